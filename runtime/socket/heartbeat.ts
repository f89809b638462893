import type { Clock } from "../../layers/clock.ts";

export interface HeartbeatTarget {
  /** Whether the client was active since the last call. Also true at first, and while reading is paused. */
  hadActivity(): boolean;
  /** MUST NOT throw. */
  ping(): void;
  /** Called if the client was not active for an interval. MUST NOT throw. */
  onTimeout(): void;
}

/** Number of slots. An interval has one tick for each slot, so that pings are spread over the interval. */
const slotCount = 32;

/** A timer wheel that pings each connection once per interval. Drops silent clients within two intervals. */
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

  /** Does nothing if `target` was removed before. */
  remove(target: HeartbeatTarget, slot: Set<HeartbeatTarget>): void {
    if (!slot.delete(target)) return;
    this.#size -= 1;
    if (this.#size > 0) return;
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** The slot that was visited last. It will be visited again after a whole interval. */
  get #currentSlot(): Set<HeartbeatTarget> {
    return this.#slots[this.#current] as Set<HeartbeatTarget>;
  }

  #schedule(): unknown {
    return this.#clock.setTimeout(() => {
      this.#timer = this.#schedule();
      this.#current = (this.#current + 1) % slotCount;
      const slot = this.#currentSlot;
      // After the event loop was blocked, bytes may be unread. The poll phase reads them before `visit`.
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
