import type { Clock } from "../layers/clock.ts";
import type { Flushable, FlushScheduler } from "./socket/flush-scheduler.ts";

/** What time it is, in milliseconds since whenever. */
export const timeOf = (clock: Clock): number => clock.now?.() ?? performance.now();

/** A time limit on something that goes through several hands; each sets anew what happens when it has passed. */
export class Deadline implements Flushable {
  onPassed: (() => void) | undefined;
  readonly #clock: Clock;
  readonly #ms: number;
  #timer: unknown;
  #isCancelled = false;

  /** @param turn when it begins: at the end of this turn. What is over by then has no timer. @default now */
  constructor(clock: Clock, ms: number, turn?: FlushScheduler) {
    this.#clock = clock;
    this.#ms = ms;
    if (turn === undefined) this.flush();
    else turn.add(this);
  }

  flush(): void {
    if (!this.#isCancelled) this.#timer = this.#clock.setTimeout(() => this.onPassed?.(), this.#ms);
  }

  /** Harmless when it has passed or was cancelled. */
  cancel(): void {
    this.#isCancelled = true;
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
  }

  /** Does not wait any longer. */
  pass(): void {
    this.cancel();
    this.onPassed?.();
  }
}

/** Waits for `work`, but not beyond the deadline. Resolves with whether it was done; rejects as `work` does. */
export function within(deadline: Deadline, work: PromiseLike<unknown>): Promise<boolean> {
  return new Promise((resolve, reject) => {
    deadline.onPassed = () => resolve(false);
    work.then(
      () => {
        deadline.cancel();
        resolve(true);
      },
      (error: unknown) => {
        deadline.cancel();
        reject(error);
      },
    );
  });
}
