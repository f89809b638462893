import type { Clock } from "./clock.ts";

/**
 * Settles like `work`, or rejects with the error of `onTimeout` after `ms` milliseconds. If the process paused for that
 * long, what arrived meanwhile is read first. Leaves no timer.
 */
export async function withTimeout<T>(
  work: PromiseLike<T>,
  ms: number,
  clock: Clock,
  onTimeout: () => Error,
): Promise<T> {
  let timer: unknown;
  let isSettled = false;
  const timeout = new Promise<never>((_, reject) => {
    const end = () => isSettled || reject(onTimeout());
    // After a pause, timers run before the event loop reads from sockets.
    timer = clock.setTimeout(() => setImmediate(end), ms);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    isSettled = true;
    clock.clearTimeout(timer);
  }
}
