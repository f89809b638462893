import type { Clock } from "../layers/clock.ts";
import { withTimeout } from "../layers/with-timeout.ts";
import { HandlerTimeoutError } from "./errors.ts";
import type { Flushable, FlushQueue } from "./scheduler/flush-queue.ts";

/** The current time of `clock`, in milliseconds since an arbitrary moment. */
export const timeOf = (clock: Clock): number => clock.now?.() ?? performance.now();

/** A time limit that one owner hands on to the next. The current owner sets `onPassed`. */
export class Deadline implements Flushable {
  onPassed: (() => void) | undefined;
  readonly #clock: Clock;
  readonly #ms: number;
  #timer: unknown;
  #isCancelled = false;

  /** @param flushes if given, the timer starts at the queue's next flush, unless `cancel` is called first. */
  constructor(clock: Clock, ms: number, flushes?: FlushQueue) {
    this.#clock = clock;
    this.#ms = ms;
    if (flushes === undefined) this.flush();
    else flushes.add(this);
  }

  flush(): void {
    if (!this.#isCancelled) this.#timer = this.#clock.setTimeout(() => this.onPassed?.(), this.#ms);
  }

  cancel(): void {
    this.#isCancelled = true;
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
  }

  pass(): void {
    this.cancel();
    this.onPassed?.();
  }
}

/**
 * Settles as `work` does, which a method of the application has returned. Waits for any time if `ms` is undefined.
 *
 * @throws {HandlerTimeoutError} if `work` has not settled after `ms` milliseconds.
 */
export function limitTime<T>(
  method: string,
  work: Promise<T>,
  ms: number | undefined,
  clock: Clock,
): Promise<T> {
  if (ms === undefined) return work;
  const late = () => new HandlerTimeoutError(`${method}() had not settled after ${ms} ms.`);
  return withTimeout(work, ms, clock, late);
}

/** Whether `work` resolves within `ms` milliseconds. Rejects as `work` does. */
export function completes(work: Promise<unknown>, ms: number, clock: Clock): Promise<boolean> {
  const timedOut = new Error("Timed out");
  return withTimeout(work, ms, clock, () => timedOut).then(
    () => true,
    (error: unknown) => {
      if (error !== timedOut) throw error;
      return false;
    },
  );
}
