import { setMaxListeners } from "node:events";
import type { Clock } from "./clock.ts";
import { jitter } from "./jitter.ts";

const firstMs = 50;
/** The longest pause between two attempts, in milliseconds. */
export const longestPauseMs = 5_000;

/**
 * Returns the pause after a failed attempt, in milliseconds: a random value between half of a bound and the
 * bound. The bound is 100 ms for attempt 1, and doubles with each further attempt, up to `maxMs`.
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ ("equal jitter")
 */
export function backoffMs(attempt: number, random?: () => number, maxMs = longestPauseMs): number {
  return jitter(Math.min(firstMs * 2 ** attempt, maxMs), 0.5, 1, random);
}

/** Resolves after `ms` milliseconds, or as soon as `signal` is aborted. Leaves no timer and no listener. */
export function pause(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  // Many pauses may wait for one signal, but Node warns about more than 10 listeners.
  setMaxListeners(0, signal);
  return new Promise((resolve) => {
    const end = () => {
      clock.clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = clock.setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}

export interface RetryOptions {
  readonly clock: Clock;
  /** Ends the retries when aborted. A running attempt is still awaited. */
  readonly signal: AbortSignal;
  /** The longest pause, in milliseconds. @default 5000 */
  readonly maxPauseMs?: number;
  /** Called after each failed attempt, counted from 1. An error thrown here ends the retries. */
  readonly onFailure?: (error: unknown, attempt: number) => void;
}

/**
 * Runs `attempt` until it succeeds, with a growing pause after each failure ({@link backoffMs}).
 * @throws the last failure once `signal` is aborted, or the error that `onFailure` threw.
 */
export async function retry<T>(
  attempt: () => Promise<T>,
  { clock, signal, maxPauseMs, onFailure }: RetryOptions,
): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await attempt();
    } catch (error) {
      onFailure?.(error, failures);
      await pause(backoffMs(failures, undefined, maxPauseMs), clock, signal);
      if (signal.aborted) throw error;
    }
  }
}
