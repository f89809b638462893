import type { Clock } from "../../layers/clock.ts";
import { timeOf } from "../deadline.ts";

/** A socket with bytes that wait for the client. */
export interface SlowReader {
  /** Checks the client, and reports a stall. @returns whether more checks are needed. MUST NOT throw. */
  checkProgress(nowMs: number): boolean;
}

/** Time between two checks, in milliseconds. A stalled client is detected with at most this delay. */
const tickMs = 1_000;

/** Checks the sockets with waiting bytes. One timer serves all such sockets, and stops if there are none. */
export class SlowReaderWatch {
  readonly #clock: Clock;
  readonly #readers = new Set<SlowReader>();
  #timer: unknown;
  #dueAt = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Checks `reader` until its `checkProgress` returns false. May be called again before that. */
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
    // While the event loop was blocked, no progress was noticed, so a late tick checks no clients.
    const isLate = now - this.#dueAt > tickMs;
    this.#schedule();
    if (isLate) return;
    for (const reader of this.#readers) {
      if (!reader.checkProgress(now)) this.remove(reader);
    }
  };
}
