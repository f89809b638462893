import type { Clock } from "../../layers/clock.ts";
import { timeOf } from "../deadline.ts";

/** A client that has to make progress: bytes wait for it, or its message is unfinished. */
export interface Watched {
  /** Checks the client, and reports a stall. @returns whether more checks are needed. MUST NOT throw. */
  checkProgress(nowMs: number): boolean;
}

/** Time between two checks, in milliseconds. A stalled client is detected with at most this delay. */
const tickMs = 1_000;

/** Checks the clients that have to make progress. One timer serves all of them, and stops if there are none. */
export class ProgressWatch {
  readonly #clock: Clock;
  readonly #watched = new Set<Watched>();
  #timer: unknown;
  #dueAt = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The time of the clock, in milliseconds, which `checkProgress` receives. */
  get now(): number {
    return timeOf(this.#clock);
  }

  /** Checks `watched` until its `checkProgress` returns false. May be called again before that. */
  add(watched: Watched): void {
    this.#watched.add(watched);
    if (this.#timer === undefined) this.#schedule();
  }

  remove(watched: Watched): void {
    if (!this.#watched.delete(watched) || this.#watched.size > 0) return;
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #schedule(): void {
    this.#dueAt = this.now + tickMs;
    this.#timer = this.#clock.setTimeout(this.#tick, tickMs);
  }

  readonly #tick = (): void => {
    const { now } = this;
    // While the event loop was blocked, no progress was noticed, so a late tick checks no clients.
    const isLate = now - this.#dueAt > tickMs;
    this.#schedule();
    if (isLate) return;
    for (const watched of this.#watched) {
      if (!watched.checkProgress(now)) this.remove(watched);
    }
  };
}
