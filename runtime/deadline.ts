import type { Clock } from "../layers/clock.ts";
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
