import type { Clock } from "./clock.ts";

/** Settles like `work`, or rejects with the error of `onTimeout` after `ms` milliseconds. Leaves no timer. */
export async function withTimeout<T>(
  work: PromiseLike<T>,
  ms: number,
  clock: Clock,
  onTimeout: () => Error,
): Promise<T> {
  let timer: unknown;
  const timeout = new Promise<never>((_, reject) => {
    timer = clock.setTimeout(() => reject(onTimeout()), ms);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clock.clearTimeout(timer);
  }
}
