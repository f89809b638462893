import type { Clock } from "../../layers/clock.ts";

/** A connection whose other side has to give signs of life. */
export interface Living {
  /** Whether it gave one since this was last asked, or could not be heard. True at first. */
  hadActivity(): boolean;
  /** Asks for a sign. MUST NOT throw. */
  ping(): void;
  /** It has given none. MUST NOT throw. */
  onTimeout(): void;
}

/** How many parts an interval has: 32 timers in that time do for any number of connections, without bursts of pings. */
const slotCount = 32;

/**
 * Pings all connections once in an interval, and gives up those that have given no sign of life by the next one: who is
 * gone without a word is found within two intervals.
 *
 * It is a timer wheel: connections stand in slots, one of which is visited at each tick. There is no timer while there
 * are no connections.
 */
export class Heartbeat {
  readonly #clock: Clock;
  readonly #tickMs: number;
  readonly #slots = Array.from({ length: slotCount }, () => new Set<Living>());
  #current = 0;
  #size = 0;
  #timer: unknown;

  constructor(clock: Clock, intervalMs: number) {
    this.#clock = clock;
    this.#tickMs = intervalMs / slotCount;
  }

  /** Takes a connection in. @returns what ends that: its slot. */
  add(living: Living): Set<Living> {
    const slot = this.#slot();
    slot.add(living);
    this.#size += 1;
    this.#timer ??= this.#next();
    return slot;
  }

  /** Lets a connection go. Once for each that was added. */
  remove(living: Living, slot: Set<Living>): void {
    if (!slot.delete(living)) return;
    this.#size -= 1;
    if (this.#size > 0) return;
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** The slot that was visited last: it is a whole interval until it is visited again. */
  #slot(): Set<Living> {
    return this.#slots[this.#current] as Set<Living>;
  }

  #next(): unknown {
    return this.#clock.setTimeout(() => {
      this.#timer = this.#next();
      this.#current = (this.#current + 1) % slotCount;
      const slot = this.#slot();
      // After the event loop was blocked, signs of life may be there that have not been read yet: they are read first.
      if (slot.size > 0) setImmediate(() => visit(slot));
    }, this.#tickMs);
  }
}

function visit(slot: Set<Living>): void {
  for (const living of [...slot]) {
    if (living.hadActivity()) living.ping();
    else living.onTimeout();
  }
}
