import { type Clock, wallTimeOf } from "../../layers/clock.ts";
import type { Counters } from "../counters.ts";
import { ExpiryQueue } from "../expiry-queue.ts";
import type { Limits } from "../limits/limits.ts";

/**
 * The longest wait before the wall time is read again, in milliseconds. If the wall time of the machine was changed,
 * the ends of sign-ins follow it within this time.
 */
const maxWaitMs = 2 ** 15;

/** A connection that waits for a moment of the wall time. */
export interface Waiting {
  /** Called at the moment or earlier. */
  onTime(now: number): void;
}

/** The sign-ins of a runtime that end. */
export class SignIns {
  readonly clock: Clock;
  readonly counters: Pick<Counters, "expire">;
  /** The time limit of `renew`, in milliseconds. */
  readonly renewTimeoutMs: number;
  readonly #waits: ExpiryQueue<Waiting>;

  constructor(
    clock: Clock,
    { connectTimeoutMs }: Pick<Limits, "connectTimeoutMs">,
    counters: Pick<Counters, "expire">,
  ) {
    this.clock = clock;
    this.counters = counters;
    this.renewTimeoutMs = connectTimeoutMs;
    this.#waits = new ExpiryQueue(clock, (waiting) => waiting.onTime(this.now));
  }

  /** The wall time, in milliseconds since 1970. */
  get now(): number {
    return wallTimeOf(this.clock);
  }

  /**
   * Waits for at most `ms`, and for at least half of it unless that is longer than {@link maxWaitMs}. The waits are
   * powers of two, so all connections share at most 16 timers.
   * @returns the wait, for {@link cancel}.
   */
  wait(waiting: Waiting, ms: number): number {
    const waitMs = 2 ** Math.floor(Math.log2(Math.min(Math.max(ms, 1), maxWaitMs)));
    this.#waits.add(waiting, waitMs);
    return waitMs;
  }

  cancel(waiting: Waiting, waitMs: number): void {
    this.#waits.remove(waiting, waitMs);
  }
}
