import { SimulatedClock } from "xstate";

/** A clock whose time stands still until a spec increments it, and which knows which timers wait. */
export class CountedTimers extends SimulatedClock {
  /** The waiting timers, and the time that each was set for, in ms. */
  readonly #waiting = new Map<number, number>();

  get pending(): number {
    return this.#waiting.size;
  }

  /** Whether a timer waits that was set for `ms`. */
  waits(ms: number): boolean {
    return [...this.#waiting.values()].includes(ms);
  }

  override setTimeout(fn: (...args: never[]) => void, ms: number): number {
    const id = super.setTimeout(() => {
      this.#waiting.delete(id);
      fn();
    }, ms);
    this.#waiting.set(id, ms);
    return id;
  }

  override clearTimeout(id: number): void {
    this.#waiting.delete(id);
    super.clearTimeout(id);
  }
}
