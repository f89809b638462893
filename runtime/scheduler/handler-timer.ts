import type { TurnScheduler } from "../../layers/turn-scheduler.ts";

/** A handler that runs for longer than this without a pause delays all other actors of the node, in ms. */
export const blockedMs = 50;

/** Measures for how long handlers block the event loop. */
export class HandlerTimer {
  readonly #turns: TurnScheduler;
  readonly #now: () => number;
  /** The turn and the task in which the last handler ended, at `#endedAt`. */
  #turn = -1;
  #task: unknown;
  #endedAt = 0;
  readonly #named = new WeakSet<object>();

  constructor(turns: TurnScheduler, now: () => number) {
    this.#turns = turns;
    this.#now = now;
  }

  /**
   * Called before a handler. Reads the clock only if the previous handler ran in another task, or still runs.
   * @returns the time, for {@link end}.
   */
  start(): number {
    const { number, running } = this.#turns;
    const isNext = running !== undefined && running === this.#task && number === this.#turn;
    // A handler may call code that runs another handler.
    this.#task = undefined;
    return isNext ? this.#endedAt : this.#now();
  }

  /** @returns for how long the handler has run since {@link start}, in milliseconds. */
  end(startedAt: number): number {
    const { number, running } = this.#turns;
    this.#turn = number;
    this.#task = running;
    this.#endedAt = this.#now();
    return this.#endedAt - startedAt;
  }

  /** Whether `consumer` is passed for the first time. Each class is reported only once. */
  isFirst(consumer: object): boolean {
    if (this.#named.has(consumer)) return false;
    this.#named.add(consumer);
    return true;
  }
}
