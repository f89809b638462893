import type { Clock } from "./clock.ts";

// Keeps the real function, because a test may replace the global.
const { setImmediate } = globalThis;

/**
 * Calls `fn` in the turn of the event loop in which `ms` milliseconds have passed, after it has read from sockets. A
 * timer alone would come before what arrived during a pause of the process. @returns the timer
 */
export function afterReading(clock: Clock, fn: () => void, ms: number): unknown {
  return clock.setTimeout(() => setImmediate(fn), ms);
}

/**
 * Settles like `work`, or rejects with the error of `onTimeout` {@link afterReading} for `ms` milliseconds. Leaves no
 * timer.
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
    const end = () => {
      if (!isSettled) reject(onTimeout());
    };
    timer = afterReading(clock, end, ms);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    isSettled = true;
    clock.clearTimeout(timer);
  }
}
