import { SimulatedClock } from "xstate";

/** A clock whose time stands still until a spec increments it, and which knows how many timers wait. */
export class CountedTimers extends SimulatedClock {
  readonly #waiting = new Set<number>();

  get pending(): number {
    return this.#waiting.size;
  }

  override setTimeout(fn: (...args: never[]) => void, ms: number): number {
    const id = super.setTimeout(() => {
      this.#waiting.delete(id);
      fn();
    }, ms);
    this.#waiting.add(id);
    return id;
  }

  override clearTimeout(id: number): void {
    this.#waiting.delete(id);
    super.clearTimeout(id);
  }
}
