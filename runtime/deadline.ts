import type { Clock } from "../layers/contract.ts";

/** What time it is, in milliseconds since whenever. */
export const timeOf = (clock: Clock): number => clock.now?.() ?? performance.now();

/** A time limit on something that goes through several hands; each sets anew what happens when it has passed. */
export class Deadline {
  onPassed: (() => void) | undefined;
  readonly #clock: Clock;
  readonly #timer: unknown;

  constructor(clock: Clock, ms: number) {
    this.#clock = clock;
    this.#timer = clock.setTimeout(() => this.onPassed?.(), ms);
  }

  /** Harmless when it has passed or was cancelled. */
  cancel(): void {
    this.#clock.clearTimeout(this.#timer);
  }

  /** Does not wait any longer. */
  pass(): void {
    this.cancel();
    this.onPassed?.();
  }
}

/** Waits for `work`, but not beyond the deadline. Resolves with whether it was done; rejects as `work` does. */
export async function within(deadline: Deadline, work: PromiseLike<unknown>): Promise<boolean> {
  const passed = new Promise<boolean>((resolve) => {
    deadline.onPassed = () => resolve(false);
  });
  try {
    return await Promise.race([work.then(() => true), passed]);
  } finally {
    deadline.cancel();
  }
}
