import type { Clock } from "../../layers/clock.ts";
import { timeOf } from "../deadline.ts";

/** A socket with bytes that wait for the client. */
export interface SlowReader {
  /** Handles a client that has stalled. @returns whether more checks are needed. MUST NOT throw. */
  checkProgress(nowMs: number): boolean;
}

/** Milliseconds between two checks. A stalled client is found at most that late. */
const tickMs = 1_000;

/** Checks sockets with waiting bytes. One timer serves all sockets, and runs only while there are any. */
export class SlowReaderWatch {
  readonly #clock: Clock;
  readonly #readers = new Set<SlowReader>();
  #timer: unknown;
  #dueAt = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Checks `reader` until it needs no more checks. May be called again meanwhile. */
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
    // While the event loop was blocked, progress could not be seen: clients have until the next tick.
    const isLate = now - this.#dueAt > tickMs;
    this.#schedule();
    if (isLate) return;
    for (const reader of this.#readers) {
      if (!reader.checkProgress(now)) this.remove(reader);
    }
  };
}
