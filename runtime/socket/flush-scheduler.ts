import { AsyncResource } from "node:async_hooks";
import { Fifo } from "../mailbox/fifo.ts";
import { FrameTrie } from "./frame-trie.ts";

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
 * Flushes, once each, whatever was written to in this turn of the event loop, and in the next one, in which sockets are read
 * and nobody waits for them: a write costs more than all else, and much of what is to be written then is there already
 * (figures: docs/decisions.md). If this turn has taken long already, there is no next one. It runs in the check phase, when all
 * that one poll of the sockets brought has been handled. Where there are so many that it takes long, the rest is flushed in
 * the turns after it, and what comes meanwhile with it.
 */
export class FlushScheduler {
  readonly #now: () => number;
  readonly #waiting = new Fifo<Flushable>();
  #start = FrameTrie.empty();
  #isScheduled = false;
  /** When the first of those that wait was added. */
  #since = 0;

  /** @param now what time it is, in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** What the frames of all sockets begin with in this turn. */
  get start(): FrameTrie {
    return this.#start;
  }

  /** Has `flushable` flushed at the end of the next turn, or of the ones after it. To be called once until then. */
  add(flushable: Flushable): void {
    this.#waiting.push(flushable);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#since = this.#now();
    setImmediate(this.#gather);
  }

  /** Lets the event loop look once more at the sockets, if that is not likely to take long. */
  readonly #gather = (): void => {
    if (this.#now() - this.#since < sliceMs) setImmediate(this.#end);
    else this.#end();
  };

  /** It belongs to all who sent something, and so to none of them. */
  readonly #end = AsyncResource.bind((): void => {
    this.#start = FrameTrie.empty();
    // What is added from here on is flushed later.
    let left = this.#waiting.size;
    const until = this.#now() + sliceMs;
    while (left > 0 && (left % stride !== 0 || this.#now() < until)) {
      this.#waiting.shift()?.flush();
      left -= 1;
    }
    this.#isScheduled = this.#waiting.size > 0;
    if (this.#isScheduled) setImmediate(this.#end);
  });
}
