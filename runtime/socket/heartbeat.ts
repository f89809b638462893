import type { Clock } from "../../layers/clock.ts";

/** A connection whose client has to be active. */
export interface HeartbeatTarget {
  /** Whether the client was active since the last call, or could not be read. True at first. */
  hadActivity(): boolean;
  /** Asks the client for an answer. MUST NOT throw. */
  ping(): void;
  /** The client was not active for an interval. MUST NOT throw. */
  onTimeout(): void;
}

/** Slots of an interval: 32 timers in that time serve any number of connections without bursts of pings. */
const slotCount = 32;

/**
 * Pings each connection once in an interval, and drops the ones that were not active since the ping before: a
 * silent client is dropped within two intervals.
 *
 * It is a timer wheel: connections are in slots, one of which is visited at each tick. There is no timer
 * while there are no connections.
 */
export class Heartbeat {
  readonly #clock: Clock;
  readonly #tickMs: number;
  readonly #slots = Array.from({ length: slotCount }, () => new Set<HeartbeatTarget>());
  #current = 0;
  #size = 0;
  #timer: unknown;

  constructor(clock: Clock, intervalMs: number) {
    this.#clock = clock;
    this.#tickMs = intervalMs / slotCount;
  }

  /** @returns the slot of `target`, for {@link remove}. */
  add(target: HeartbeatTarget): Set<HeartbeatTarget> {
    const slot = this.#currentSlot;
    slot.add(target);
    this.#size += 1;
    this.#timer ??= this.#schedule();
    return slot;
  }

  /** Harmless if it was removed already. */
  remove(target: HeartbeatTarget, slot: Set<HeartbeatTarget>): void {
    if (!slot.delete(target)) return;
    this.#size -= 1;
    if (this.#size > 0) return;
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** The slot that was visited last: it is not visited again for a whole interval. */
  get #currentSlot(): Set<HeartbeatTarget> {
    return this.#slots[this.#current] as Set<HeartbeatTarget>;
  }

  #schedule(): unknown {
    return this.#clock.setTimeout(() => {
      this.#timer = this.#schedule();
      this.#current = (this.#current + 1) % slotCount;
      const slot = this.#currentSlot;
      // After the event loop was blocked, there may be bytes of clients to read: the poll phase comes first.
      if (slot.size > 0) setImmediate(() => visit(slot));
    }, this.#tickMs);
  }
}

function visit(slot: Set<HeartbeatTarget>): void {
  for (const target of [...slot]) {
    if (target.hadActivity()) target.ping();
    else target.onTimeout();
  }
}
