import type { Clock } from "../layers/contract.ts";
import { timeOf } from "./deadline.ts";

/** A socket for which something waits. */
export interface Lagging {
  /** Looks whether it still does, at `now` in milliseconds; deals with it if nothing has been taken for too long. MUST NOT throw. */
  lags(now: number): boolean;
}

/** How often it is looked, in milliseconds: what is stuck is found no later than that. */
const tickMs = 1_000;

/** Looks after the sockets for which something waits: one timer for all of them, and none while there are none. */
export class LagWatch {
  readonly #clock: Clock;
  readonly #lagging = new Set<Lagging>();
  #timer: unknown;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Looks after it from now on, until it no longer lags. Harmless if that is done already. */
  add(lagging: Lagging): void {
    this.#lagging.add(lagging);
    this.#timer ??= this.#clock.setTimeout(this.#tick, tickMs);
  }

  remove(lagging: Lagging): void {
    if (!this.#lagging.delete(lagging) || this.#lagging.size > 0) return;
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  readonly #tick = (): void => {
    this.#timer = this.#clock.setTimeout(this.#tick, tickMs);
    // After the event loop was blocked, what has been taken meanwhile is not known yet: sockets have their turn first.
    setImmediate(this.#look);
  };

  readonly #look = (): void => {
    const now = timeOf(this.#clock);
    for (const lagging of this.#lagging) {
      if (!lagging.lags(now)) this.remove(lagging);
    }
  };
}
