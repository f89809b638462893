import type { Clock } from "greenroom";

/** Node's timers, counted while they run. */
export class CountingClock implements Clock {
  readonly #running = new Set<NodeJS.Timeout>();

  get timers(): number {
    return this.#running.size;
  }

  setTimeout(fn: () => void, ms: number): NodeJS.Timeout {
    const timer = setTimeout(() => {
      this.#running.delete(timer);
      fn();
    }, ms);
    this.#running.add(timer);
    return timer;
  }

  clearTimeout(timer: NodeJS.Timeout): void {
    this.#running.delete(timer);
    clearTimeout(timer);
  }
}
