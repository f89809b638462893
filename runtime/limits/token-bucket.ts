import type { Clock } from "../../layers/clock.ts";
import { timeOf } from "../deadline.ts";

/** The settings of token buckets. */
export interface Rate {
  /** Tokens that a bucket gets back in a second. */
  readonly perSecond: number;
  /** The tokens of a full bucket. */
  readonly burst: number;
}

/**
 * Limits the rate of an operation. The bucket is full at first. It needs no timer: it is filled when it is used. A
 * refused operation costs no token. `TrafficLimit` is cheaper, and counts what it refuses.
 */
export class TokenBucket {
  readonly #clock: Clock;
  readonly #rate: Rate;
  #tokens: number;
  /** The time of the last change of `#tokens`, in milliseconds. */
  #at: number;

  constructor(clock: Clock, rate: Rate) {
    this.#clock = clock;
    this.#rate = rate;
    this.#tokens = rate.burst;
    this.#at = timeOf(clock);
  }

  get isFull(): boolean {
    this.#fill();
    return this.#tokens >= this.#rate.burst;
  }

  /**
   * Takes `count` tokens, if there is at least one token. A count of 0 only asks. A count that exceeds the tokens
   * leaves a debt, so an operation of any size is possible after a pause.
   *
   * @returns whether the tokens were taken.
   */
  take(count = 1): boolean {
    this.#fill();
    if (this.#tokens < 1) return false;
    this.#tokens -= count;
    return true;
  }

  #fill(): void {
    const { burst, perSecond } = this.#rate;
    const now = timeOf(this.#clock);
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#at) / 1_000) * perSecond);
    this.#at = now;
  }
}
