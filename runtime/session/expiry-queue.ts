import { type Clock, unref } from "../../layers/clock.ts";
import { timeOf } from "../deadline.ts";

/** Calls a function for items whose time has passed. Items with the same time limit share one timer. */
export class ExpiryQueue<T> {
  readonly #clock: Clock;
  readonly #onExpired: (item: T) => void;
  /** The items by time limit in milliseconds, each in the order of their deadlines. */
  readonly #lines = new Map<number, Line<T>>();

  constructor(clock: Clock, onExpired: (item: T) => void) {
    this.#clock = clock;
    this.#onExpired = onExpired;
  }

  /** Adds an item that is not in the queue. */
  add(item: T, ms: number): void {
    const line = this.#lines.get(ms) ?? { deadlines: new Map(), timer: undefined };
    this.#lines.set(ms, line);
    line.deadlines.set(item, timeOf(this.#clock) + ms);
    if (line.timer === undefined) this.#schedule(line, ms, ms);
  }

  /** Removes an item. Does nothing if the queue does not hold it. */
  remove(item: T, ms: number): void {
    const line = this.#lines.get(ms);
    if (line === undefined || !line.deadlines.delete(item) || line.deadlines.size > 0) return;
    this.#clock.clearTimeout(line.timer);
    this.#lines.delete(ms);
  }

  #schedule(line: Line<T>, ms: number, delayMs: number): void {
    line.timer = this.#clock.setTimeout(() => this.#expire(line, ms), Math.max(1, Math.ceil(delayMs)));
    // The timer alone must not keep a process alive.
    unref(line.timer);
  }

  #expire(line: Line<T>, ms: number): void {
    line.timer = undefined;
    const now = timeOf(this.#clock);
    for (const [item, deadline] of line.deadlines) {
      if (deadline > now) {
        this.#schedule(line, ms, deadline - now);
        return;
      }
      line.deadlines.delete(item);
      this.#onExpired(item);
    }
    if (line.deadlines.size === 0) this.#lines.delete(ms);
  }
}

interface Line<T> {
  readonly deadlines: Map<T, number>;
  timer: unknown;
}
