import type { Environment } from "./environment.ts";

/** The longest time between a frame and its acknowledgement, in milliseconds. */
const ackAfterMs = 1_000;

/**
 * Counts the frames from the server, and acknowledges them by time: each acknowledgement costs the server more than
 * the frames it covers.
 */
export class Incoming {
  readonly #environment: Environment;
  readonly #acknowledge: (count: number) => void;
  #got = 0;
  /** The length of the frames without an acknowledgement. */
  #length = 0;
  /** The time of the first of them. */
  #since = 0;
  #timer: unknown;

  /** @param acknowledge writes an acknowledgement of the frames up to `count`. */
  constructor(environment: Environment, acknowledge: (count: number) => void) {
    this.#environment = environment;
    this.#acknowledge = acknowledge;
  }

  /** The number of frames that have arrived in this session, or will never come. */
  get got(): number {
    return this.#got;
  }

  /**
   * Counts frames that have arrived, or will never come.
   * @param maxLength the length of the frames at which they are acknowledged at once.
   */
  add(count: number, length: number, maxLength: number): void {
    this.#got += count;
    this.#length += length;
    const now = this.#environment.now();
    if (this.#timer === undefined) {
      this.#since = now;
      this.#timer = this.#environment.setTimeout(() => this.#flush(), ackAfterMs);
    }
    // The timer of a busy or frozen page fires late.
    if (now - this.#since >= ackAfterMs || this.#length >= maxLength) this.#flush();
  }

  /** All frames up to `got` have arrived or are lost, and the server knows. Stops the timer. */
  startAt(got: number): void {
    this.#got = got;
    this.#length = 0;
    this.#environment.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #flush(): void {
    this.startAt(this.#got);
    this.#acknowledge(this.#got);
  }
}
