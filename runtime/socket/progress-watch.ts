import type { Clock } from "../../layers/clock.ts";
import { timeOf } from "../deadline.ts";

/** A client that has to make progress: bytes wait for it, or its message is unfinished. */
export interface Watched {
  /** Whether the client still has to make progress. If not, the watch ends. */
  readonly isWaiting: boolean;
  /** The time without progress after which the client has stalled, in milliseconds. */
  readonly maxStallMs: number;
  /** Whether the client has made progress since the last call of {@link noteProgress}. */
  readonly hasProgressed: boolean;
  /** Begins a new period without progress. Called at first, and after each progress. MUST NOT throw. */
  noteProgress(): void;
  /** Called when the client has stalled. The watch has ended. MUST NOT throw. */
  onStall(): void;
}

/** Time between two checks, in milliseconds. A stalled client is detected with at most this delay. */
const tickMs = 1_000;

/** Checks the clients that have to make progress. One timer serves all of them, and stops if there are none. */
export class ProgressWatch {
  readonly #clock: Clock;
  /** The clients, and the time of the last progress of each, in milliseconds. */
  readonly #watched = new Map<Watched, number>();
  #timer: unknown;
  #dueAt = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Watches a client as long as it is waiting. Does nothing if the client is already watched. */
  add(watched: Watched): void {
    if (this.#watched.has(watched)) return;
    this.#note(watched, timeOf(this.#clock));
    if (this.#timer === undefined) this.#schedule();
  }

  remove(watched: Watched): void {
    if (!this.#watched.delete(watched) || this.#watched.size > 0) return;
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #note(watched: Watched, now: number): void {
    watched.noteProgress();
    this.#watched.set(watched, now);
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
    for (const [watched, since] of this.#watched) {
      if (!watched.isWaiting) this.remove(watched);
      else if (watched.hasProgressed) this.#note(watched, now);
      else if (now - since >= watched.maxStallMs) {
        this.remove(watched);
        watched.onStall();
      }
    }
  };
}
