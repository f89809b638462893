import { type Clock, unref } from "../layers/clock.ts";
import { timeOf } from "./deadline.ts";

/** The end of a session takes 20 to 50 µs. After so many, the event loop serves others first. */
const maxExpiredAtOnce = 100;

/** Calls a function for items whose time has passed. Items with the same time limit share one timer. */
export class ExpiryQueue<T> {
  readonly #clock: Clock;
  readonly #onExpired: (item: T) => void;
  /** The items by time limit in milliseconds. A program has few time limits, so no line is ever removed. */
  readonly #lines = new Map<number, Line<T>>();

  /** @param onExpired may add and remove items. */
  constructor(clock: Clock, onExpired: (item: T) => void) {
    this.#clock = clock;
    this.#onExpired = onExpired;
  }

  /** Adds an item that is not in the queue. */
  add(item: T, ms: number): void {
    const line = this.#lines.get(ms) ?? { deadlines: new Map(), timer: undefined };
    this.#lines.set(ms, line);
    line.deadlines.set(item, timeOf(this.#clock) + ms);
    if (line.timer === undefined) this.#schedule(line, ms);
  }

  /** Removes an item. Does nothing if the queue does not hold it. */
  remove(item: T, ms: number): void {
    const line = this.#lines.get(ms);
    if (line?.deadlines.delete(item) && line.deadlines.size === 0) this.#stop(line);
  }

  #schedule(line: Line<T>, delayMs: number): void {
    line.timer = this.#clock.setTimeout(() => this.#expire(line), Math.max(1, Math.ceil(delayMs)));
    // The timer alone must not keep a process alive.
    unref(line.timer);
  }

  #stop(line: Line<T>): void {
    this.#clock.clearTimeout(line.timer);
    line.timer = undefined;
  }

  #expire(line: Line<T>): void {
    const now = timeOf(this.#clock);
    let left = maxExpiredAtOnce;
    for (const [item, deadline] of line.deadlines) {
      if (deadline > now || left === 0) break;
      left -= 1;
      line.deadlines.delete(item);
      this.#onExpired(item);
    }
    // The callbacks may have added items, and so have started a timer.
    this.#stop(line);
    for (const deadline of line.deadlines.values()) {
      this.#schedule(line, deadline - now);
      break;
    }
  }
}

interface Line<T> {
  /** In the order of the deadlines. */
  readonly deadlines: Map<T, number>;
  timer: unknown;
}
