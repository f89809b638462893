/** What can be written at the end of a turn of the event loop. */
export interface Flushable {
  /** MUST NOT throw. */
  flush(): void;
}

/**
 * Flushes, once each, whatever was written to in this turn of the event loop. It runs in the check phase, when all
 * that one poll of the sockets brought has been handled, so that its answers leave in one write per socket.
 */
export class Turn {
  #waiting: Flushable[] = [];

  /** Has `flushable` flushed at the end of this turn. To be called once per turn. */
  add(flushable: Flushable): void {
    if (this.#waiting.push(flushable) === 1) setImmediate(this.#end);
  }

  readonly #end = (): void => {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const flushable of waiting) flushable.flush();
  };
}
