import type { Clock } from "../../layers/clock.ts";
import { withTimeout } from "../../layers/with-timeout.ts";
import { ExpectationError } from "./expectation-error.ts";

/** Units: milliseconds of the real clock, whatever clock the runtime has. */
export interface WaitOptions {
  /** @default 1_000 */
  readonly timeoutMs?: number;
}

// Kept, because a spec may replace the global ones.
const { setTimeout, clearTimeout } = globalThis;
const realClock: Clock = {
  setTimeout: (fn, ms) => setTimeout(fn, ms),
  clearTimeout: (id) => clearTimeout(id as NodeJS.Timeout),
};

/**
 * Waits for `work` on the real clock; the work itself goes on.
 *
 * @throws {ExpectationError} with the text of `explain` when the time has passed.
 */
export function waitFor<T>(
  work: PromiseLike<T>,
  { timeoutMs = 1_000 }: WaitOptions,
  explain: (timeoutMs: number) => string,
): Promise<T> {
  return withTimeout(work, timeoutMs, realClock, () => new ExpectationError(explain(timeoutMs)));
}

/** Resolves after `ms` milliseconds of the real clock. */
export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
