import { type Clock, withLongDelays } from "../../layers/clock.ts";
import { withTimeout } from "../../layers/with-timeout.ts";
import { ExpectationError } from "./expectation-error.ts";

/** Time limits in milliseconds of the real clock, even if the runtime has another clock. */
export interface WaitOptions {
  /** @default 1_000 */
  readonly timeoutMs?: number;
}

/** Options of `receiveNothing` of a client. */
export interface ReceiveNothingOptions extends WaitOptions {
  /**
   * How long to wait for a frame once the runtime is settled, in milliseconds of the real clock. Required if
   * a layer, such as a Redis layer, does not count its messages in flight.
   * @default 0
   */
  readonly forMs?: number;
}

// Keeps the real functions, because a spec may replace the globals.
const { setTimeout, clearTimeout } = globalThis;
const realClock: Clock = withLongDelays({
  setTimeout: (fn, ms) => setTimeout(fn, ms),
  clearTimeout: (id) => clearTimeout(id as NodeJS.Timeout),
});

/** Waits for `work`. @throws {ExpectationError} with the text that `explain` returns, after the timeout. */
export function waitFor<T>(
  work: PromiseLike<T>,
  { timeoutMs = 1_000 }: WaitOptions,
  explain: (timeoutMs: number) => string,
): Promise<T> {
  return withTimeout(work, timeoutMs, realClock, () => new ExpectationError(explain(timeoutMs)));
}

export const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    realClock.setTimeout(() => resolve(), ms);
  });
