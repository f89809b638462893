import type { Clock } from "../../layers/clock.ts";
import { timeOf } from "../deadline.ts";

/** A socket for which something waits. */
export interface Lagging {
  /** Looks whether it still does, at `now` in milliseconds; deals with it if nothing has been taken for too long. MUST NOT throw. */
  lags(now: number): boolean;
}

/** How often it is looked, in milliseconds: what is stuck is found no later than that. */
const tickMs = 1_000;

/** Looks after the sockets for which something waits: one timer for all of them, and none while there are none. */
export class SlowReaderWatch {
  readonly #clock: Clock;
  readonly #lagging = new Set<Lagging>();
  #timer: unknown;
  #dueAt = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Looks after it from now on, until it no longer lags. Harmless if that is done already. */
  add(lagging: Lagging): void {
    this.#lagging.add(lagging);
    if (this.#timer === undefined) this.#wait();
  }

  remove(lagging: Lagging): void {
    if (!this.#lagging.delete(lagging) || this.#lagging.size > 0) return;
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #wait(): void {
    this.#dueAt = timeOf(this.#clock) + tickMs;
    this.#timer = this.#clock.setTimeout(this.#tick, tickMs);
  }

  readonly #tick = (): void => {
    const now = timeOf(this.#clock);
    // While the event loop was blocked, nobody could be given anything: they get until the next look to take it.
    const isLate = now - this.#dueAt > tickMs;
    this.#wait();
    if (isLate) return;
    for (const lagging of this.#lagging) {
      if (!lagging.lags(now)) this.remove(lagging);
    }
  };
}
