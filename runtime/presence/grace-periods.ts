import { type Clock, unref } from "../../layers/clock.ts";
import { otherNodes } from "../limits/other-nodes.ts";
import { type Entry, memoryOfEntry } from "./entry.ts";

/** Limits the entries, because clients can add one with each connection. Their bytes are limited, too. */
export const maxAbsent = 50_000;
/** Number of graces that end at once. To find the oldest entry, a map passes over all deleted entries. */
export const endedAtOnce = 500;
/** The bytes of the entries that are left when graces end for lack of memory. */
const bytesAfterEnds = 0.9 * otherNodes.maxAbsentBytes;

/** The entries of absent members that may return before their grace ends. */
export class GracePeriods {
  readonly #clock: Clock;
  readonly #onEnd: (entry: Entry) => void;
  /** The timers, in the order in which the members left. */
  readonly #timers = new Map<Entry, unknown>();
  #bytes = 0;

  /** @param onEnd called when the grace of an entry ends, but not after {@link GracePeriods.delete}. */
  constructor(clock: Clock, onEnd: (entry: Entry) => void) {
    this.#clock = clock;
    this.#onEnd = onEnd;
  }

  /** Starts the grace of `entry`. If there are too many entries, ends the graces of the oldest ones. */
  add(entry: Entry): void {
    const bytes = memoryOfEntry(entry);
    const isFull = this.#timers.size >= maxAbsent || this.#bytes + bytes > otherNodes.maxAbsentBytes;
    if (isFull) this.#endOldest();
    const timer = this.#clock.setTimeout(() => this.#end(entry), entry.graceMs);
    // The timer alone must not keep a process alive.
    unref(timer);
    this.#timers.set(entry, timer);
    this.#bytes += bytes;
  }

  /** Returns whether the grace of `entry` was running. */
  delete(entry: Entry): boolean {
    this.#clock.clearTimeout(this.#timers.get(entry));
    const wasRunning = this.#timers.delete(entry);
    if (wasRunning) this.#bytes -= memoryOfEntry(entry);
    return wasRunning;
  }

  clear(): void {
    for (const entry of this.#timers.keys()) this.delete(entry);
  }

  #endOldest(): void {
    for (const entry of this.#timers.keys()) {
      if (this.#timers.size <= maxAbsent - endedAtOnce && this.#bytes <= bytesAfterEnds) return;
      this.#end(entry);
    }
  }

  #end(entry: Entry): void {
    this.delete(entry);
    this.#onEnd(entry);
  }
}
