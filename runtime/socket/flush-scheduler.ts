import { AsyncResource } from "node:async_hooks";
import { Fifo } from "../mailbox/fifo.ts";
import { FrameTrie } from "./frame-trie.ts";

/** Something to do at the end of a turn of the event loop, such as a write. */
export interface Flushable {
  /** MUST NOT throw. */
  flush(): void;
}

/**
 * Milliseconds that one turn may flush. Together with the delivery of the layers' messages, which may take as
 * long, the event loop is blocked for no longer than about 10 ms.
 */
const budgetMs = 5;
/** Flushes between two looks at the clock: a write takes about 5 µs, and of a megabyte 2 ms. */
const stride = 4;

/**
 * Flushes each {@link Flushable} once, at the end of the turn of the event loop after the one that added it.
 *
 * A write costs more than everything else, and the sockets that are read in that next turn often bring more
 * to write. If this turn has taken long already, it flushes at the end of it. It runs in the check phase,
 * after everything that one poll of the sockets brought. What exceeds the budget of a turn is flushed in the
 * turns after it, in order.
 */
export class FlushScheduler {
  readonly #now: () => number;
  readonly #waiting = new Fifo<Flushable>();
  #root = FrameTrie.root();
  #isScheduled = false;
  /** When the first one that waits was added. */
  #waitingSince = 0;

  /** @param now the time in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** The root of the frames of all sockets until the next flush. */
  get root(): FrameTrie {
    return this.#root;
  }

  /** MUST NOT be called again with `flushable` until it has been flushed. */
  add(flushable: Flushable): void {
    this.#waiting.push(flushable);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#waitingSince = this.#now();
    setImmediate(this.#pollOnceMore);
  }

  readonly #pollOnceMore = (): void => {
    if (this.#now() - this.#waitingSince < budgetMs) setImmediate(this.#flush);
    else this.#flush();
  };

  // Bound, because the flush belongs to none of the actors that sent something.
  readonly #flush = AsyncResource.bind((): void => {
    this.#root = FrameTrie.root();
    // What is added from here on is flushed in a later turn.
    let left = this.#waiting.size;
    const until = this.#now() + budgetMs;
    while (left > 0 && (left % stride !== 0 || this.#now() < until)) {
      this.#waiting.shift()?.flush();
      left -= 1;
    }
    this.#isScheduled = this.#waiting.size > 0;
    if (this.#isScheduled) setImmediate(this.#flush);
  });
}
