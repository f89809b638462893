import type { Clock } from "../../layers/clock.ts";
import { timeOf } from "../deadline.ts";
import type { Rate } from "./token-bucket.ts";

/**
 * Limits the rate of one client's frames or bytes: a token bucket. The clock is read only if the tokens are used up, so
 * that a frame costs one subtraction. So a client may use the tokens that are left, and then a whole burst.
 */
export class TrafficLimit {
  readonly #clock: Clock;
  readonly #rate: Rate;
  #tokens: number;
  /** The time up to which the tokens were added, in whole milliseconds: V8 would allocate memory for a fraction. */
  #filledAt: number;

  /** @param rate shared by all connections, because each connection has two limits. */
  constructor(clock: Clock, rate: Rate) {
    this.#clock = clock;
    this.#rate = rate;
    this.#tokens = rate.burst;
    this.#filledAt = Math.floor(timeOf(clock));
  }

  /** Takes `count` tokens. @returns false if there were not as many. */
  take(count: number): boolean {
    this.#tokens -= count;
    return this.#tokens >= 0 || this.#refill();
  }

  /** Adds tokens besides the rate. @returns whether this makes up for all tokens that were missing. */
  give(count: number): boolean {
    this.#tokens += count;
    return this.#tokens >= 0;
  }

  #refill(): boolean {
    const { burst, perSecond } = this.#rate;
    const now = Math.floor(timeOf(this.#clock));
    const added = ((now - this.#filledAt) * perSecond) / 1_000;
    this.#filledAt = now;
    return this.give(Math.min(added, burst));
  }
}
