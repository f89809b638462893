import type { Clock } from "../../clock.ts";
import { backoffMs } from "../../retry.ts";

/** Topics that could not be subscribed, to be tried again all at one time, after pauses that grow until none is left. */
export class Retries {
  readonly #clock: Clock;
  readonly #again: (topics: readonly string[]) => void;
  readonly #topics = new Set<string>();
  #attempt = 0;
  #timer: unknown;

  /** @param again tries the topics. Each of them is added once more if that fails, and deleted if not. */
  constructor(clock: Clock, again: (topics: readonly string[]) => void) {
    this.#clock = clock;
    this.#again = again;
  }

  get isEmpty(): boolean {
    return this.#topics.size === 0;
  }

  add(topic: string): void {
    this.#topics.add(topic);
    if (this.#timer !== undefined) return;
    this.#attempt += 1;
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = undefined;
      this.#again([...this.#topics]);
    }, backoffMs(this.#attempt));
  }

  /** It is subscribed, or wanted no more. */
  delete(topic: string): void {
    if (!this.#topics.delete(topic) || !this.isEmpty) return;
    this.pause();
    this.#attempt = 0;
  }

  /** Nothing is tried until a topic is added once more. No timer is left. */
  pause(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
