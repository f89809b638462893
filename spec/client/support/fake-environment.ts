import type { Environment } from "../../../client/environment.ts";

interface Timer {
  readonly callback: () => void;
  readonly at: number;
}

/** A clock and a page that do what a spec says. */
export class FakeEnvironment extends EventTarget implements Environment {
  time = 1_000_000;
  /** The result of `Math.random`. */
  randomness = 0.5;
  readonly timers = new Set<Timer>();
  readonly document = { visibilityState: "visible" };
  readonly Date = { now: () => this.time };
  readonly Math = { random: () => this.randomness };

  setTimeout = (callback: () => void, ms: number): Timer => {
    const timer = { callback, at: this.time + ms };
    this.timers.add(timer);
    return timer;
  };

  clearTimeout = (timer: unknown): void => {
    this.timers.delete(timer as Timer);
  };

  /** Lets time pass: each timer fires at its time. */
  advance(ms: number): void {
    const end = this.time + ms;
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.time = Math.max(this.time, next.at);
      this.timers.delete(next);
      next.callback();
    }
    this.time = end;
  }

  /** The device sleeps: the timers fire late, when it wakes up. */
  sleep(ms: number): void {
    this.time += ms;
    this.advance(0);
  }

  dispatch(type: string, fields: object = {}): void {
    this.dispatchEvent(Object.assign(new Event(type), fields));
  }

  #next(end: number): Timer | undefined {
    const due = [...this.timers].filter(({ at }) => at <= end);
    return due.sort((a, b) => a.at - b.at)[0];
  }
}
