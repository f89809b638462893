/** The longest delay before the first attempt, in milliseconds. It doubles with each attempt that fails. */
const firstDelayMs = 500;
const maxDelayMs = 30_000;

/** A connection that was joined for this time was a success: the delays begin again. In milliseconds. */
const stableAfterMs = 10_000;

/**
 * The delays between attempts to connect. Each is random, from 0 to a limit that doubles from 500 ms to 30 s, so
 * that the clients of a server that was restarted do not come back at the same time.
 */
export class Backoff {
  readonly #random: () => number;
  #failures = 0;

  /** @param random returns a number from 0 to 1. */
  constructor(random: () => number) {
    this.#random = random;
  }

  /**
   * The delay before the next attempt, in milliseconds.
   * @param joinedMs how long the last connection was joined.
   */
  next(joinedMs: number): number {
    if (joinedMs >= stableAfterMs) this.#failures = 0;
    return this.#random() * Math.min(maxDelayMs, firstDelayMs * 2 ** this.#failures++);
  }
}
