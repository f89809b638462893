import type { Clock } from "../../clock.ts";
import { backoffMs } from "../../retry.ts";

/** Pauses between attempts, all of which end at once when they are over. */
export class Pauses {
  readonly #clock: Clock;
  readonly #ends = new Set<() => void>();
  #areOver = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get areOver(): boolean {
    return this.#areOver;
  }

  /** Resolves after the pause before the next attempt, when `attempt` of them have failed. */
  async before(attempt: number): Promise<void> {
    if (this.#areOver) return;
    await new Promise<void>((resolve) => {
      const end = () => {
        this.#clock.clearTimeout(timer);
        this.#ends.delete(end);
        resolve();
      };
      const timer = this.#clock.setTimeout(end, backoffMs(attempt));
      this.#ends.add(end);
    });
  }

  /** No timer is left. */
  end(): void {
    this.#areOver = true;
    for (const end of this.#ends) end();
  }
}
