import type { Clock } from "../../layers/clock.ts";
import { timeOf } from "../deadline.ts";

/** A socket with bytes that wait for the client to read. */
export interface SlowReader {
  /** Deals with a client that has read nothing for too long. @returns whether to go on. MUST NOT throw. */
  checkProgress(nowMs: number): boolean;
}

/** Milliseconds between two checks: a stalled client is found no later than that. */
const tickMs = 1_000;

/** Checks the sockets with bytes that wait: one timer for all of them, and none while there are none. */
export class SlowReaderWatch {
  readonly #clock: Clock;
  readonly #readers = new Set<SlowReader>();
  #timer: unknown;
  #dueAt = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Checks `reader` until it needs no more checks. Harmless if it is checked already. */
  add(reader: SlowReader): void {
    this.#readers.add(reader);
    if (this.#timer === undefined) this.#schedule();
  }

  remove(reader: SlowReader): void {
    if (!this.#readers.delete(reader) || this.#readers.size > 0) return;
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #schedule(): void {
    this.#dueAt = timeOf(this.#clock) + tickMs;
    this.#timer = this.#clock.setTimeout(this.#tick, tickMs);
  }

  readonly #tick = (): void => {
    const now = timeOf(this.#clock);
    // While the event loop was blocked, no client could read: they have until the next tick.
    const isLate = now - this.#dueAt > tickMs;
    this.#schedule();
    if (isLate) return;
    for (const reader of this.#readers) {
      if (!reader.checkProgress(now)) this.remove(reader);
    }
  };
}
