import { type Clock, withLongDelays } from "../../layers/clock.ts";
import { withTimeout } from "../../layers/with-timeout.ts";
import { ExpectationError } from "./expectation-error.ts";

/**
 * Time limits in milliseconds of the real clock, even if the runtime has another clock. A pause of the process counts
 * as a tenth of a limit at most, however long it is, because the awaited work paused, too.
 */
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
const { setTimeout, clearTimeout, setImmediate } = globalThis;
const realClock: Clock = withLongDelays({
  setTimeout: (fn, ms) => setTimeout(fn, ms),
  clearTimeout: (id) => clearTimeout(id as NodeJS.Timeout),
});

/** Calls `onOver` once `ms` have passed, counted as in {@link WaitOptions}. @returns a function that cancels this. */
export function afterLimit(ms: number, onOver: () => void): () => void {
  const count = Math.max(1, Math.min(10, Math.floor(ms)));
  let parts = count;
  let isCancelled = false;
  let timer: unknown;
  // The next part begins once the event loop has handled what has arrived during this one.
  const next = () => {
    if (isCancelled) return;
    if (parts === 0) return onOver();
    parts -= 1;
    timer = realClock.setTimeout(() => setImmediate(next), ms / count);
  };
  next();
  return () => {
    isCancelled = true;
    realClock.clearTimeout(timer);
  };
}

const limits: Clock = {
  setTimeout: (fn, ms) => afterLimit(ms, fn),
  clearTimeout: (cancel) => (cancel as () => void)(),
};

/** Waits for `work`. @throws {ExpectationError} with the text that `explain` returns, after the timeout. */
export function waitFor<T>(
  work: PromiseLike<T>,
  { timeoutMs = 1_000 }: WaitOptions,
  explain: (timeoutMs: number) => string,
): Promise<T> {
  return withTimeout(work, timeoutMs, limits, () => new ExpectationError(explain(timeoutMs)));
}

export const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    realClock.setTimeout(() => resolve(), ms);
  });
