import { AsyncResource } from "node:async_hooks";
import { Fifo } from "../mailbox/fifo.ts";
import { FrameTrie } from "./frame-trie.ts";

export interface Flushable {
  /** MUST NOT throw. */
  flush(): void;
}

/**
 * Milliseconds that one turn may spend on flushes. The delivery of the layers' messages may take as long, so
 * the event loop is blocked for at most about 10 ms.
 */
const budgetMs = 5;
/** Flushes between two checks of the clock: a write takes about 5 µs, or 2 ms for a megabyte. */
const stride = 4;

/**
 * Flushes each {@link Flushable} once, in the order added, at the end of the next turn of the event loop.
 *
 * It waits for the next turn because a write is the most expensive step, and the sockets that are read in
 * that turn often add more frames. It does not wait if the current turn has already taken longer than the
 * budget. It runs in the check phase, after all input of one poll of the sockets. Flushes beyond the budget
 * of a turn run in later turns.
 */
export class FlushScheduler {
  readonly #now: () => number;
  readonly #waiting = new Fifo<Flushable>();
  #root = FrameTrie.root();
  #isScheduled = false;
  /** Time when the oldest waiting entry was added. */
  #waitingSince = 0;

  /** @param now the time in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** The root of the frames of all sockets until the next flush. */
  get root(): FrameTrie {
    return this.#root;
  }

  /** MUST NOT be called again with `flushable` before its flush. */
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

  // Bound to a context of its own, because a flush does not belong to one actor.
  readonly #flush = AsyncResource.bind((): void => {
    this.#root = FrameTrie.root();
    // Entries that are added during this flush wait for a later turn.
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
