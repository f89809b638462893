import { AsyncResource } from "node:async_hooks";
import { Fifo } from "./fifo.ts";
import { Sequence } from "./sequence.ts";

/** What can be written at the end of a turn of the event loop. */
export interface Flushable {
  /** MUST NOT throw. */
  flush(): void;
}

/**
 * How long one turn may write, in milliseconds. With as much for what layers deliver, the event loop is blocked for no
 * longer than about 10 ms.
 */
const sliceMs = 5;
/** So many are flushed until the clock is looked at again: a write takes some 5 µs, and of a megabyte two milliseconds. */
const stride = 4;

/**
 * Flushes, once each, whatever was written to in this turn of the event loop. It runs in the check phase, when all
 * that one poll of the sockets brought has been handled, so that its answers leave in one write per socket. Where there are
 * so many that it takes long, the rest is flushed in the next turns, and what comes meanwhile is flushed with it.
 */
export class Turn {
  readonly #now: () => number;
  readonly #waiting = new Fifo<Flushable>();
  #start = Sequence.empty();
  #isScheduled = false;

  /** @param now what time it is, in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** What the frames of all sockets begin with in this turn. */
  get start(): Sequence {
    return this.#start;
  }

  /** Has `flushable` flushed at the end of this turn, or of the next ones. To be called once until then. */
  add(flushable: Flushable): void {
    this.#waiting.push(flushable);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#end);
  }

  /** It belongs to all who sent something, and so to none of them. */
  readonly #end = AsyncResource.bind((): void => {
    this.#isScheduled = false;
    this.#start = Sequence.empty();
    // What is added from here on waits for the next turn.
    let left = this.#waiting.size;
    const until = this.#now() + sliceMs;
    while (left > 0 && (left % stride !== 0 || this.#now() < until)) {
      this.#waiting.shift()?.flush();
      left -= 1;
    }
    if (this.#waiting.size > 0) this.#schedule();
  });
}
