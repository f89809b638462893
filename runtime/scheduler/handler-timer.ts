import type { TurnScheduler } from "../../layers/scheduling/turn-scheduler.ts";

/** A handler that runs for more than this many ms without a pause delays all other actors of the node. */
export const blockedMs = 50;

/** Measures for how long handlers block the event loop. */
export class HandlerTimer {
  readonly #turns: TurnScheduler;
  readonly #now: () => number;
  readonly #named = new WeakSet<object>();

  constructor(turns: TurnScheduler, now: () => number) {
    this.#turns = turns;
    this.#now = now;
  }

  /** Called before a handler. @returns the time, for {@link end}. */
  start(): number {
    return this.#now();
  }

  /** Called after a handler. @returns for how long it has run since {@link start}, in milliseconds. */
  end(startedAt: number): number {
    const now = this.#now();
    this.#turns.checkAt(now);
    return now - startedAt;
  }

  /** Whether `consumer` is passed for the first time. Each class is reported only once. */
  isFirst(consumer: object): boolean {
    if (this.#named.has(consumer)) return false;
    this.#named.add(consumer);
    return true;
  }
}
