import { AsyncResource } from "node:async_hooks";
import { Fifo } from "../../layers/fifo.ts";
import { FrameTrie } from "./frame-trie.ts";

export interface Flushable {
  /** MUST NOT throw. */
  flush(): void;
}

/** Maximum time for flushes in one turn, in milliseconds. Deliveries from layers may take another 5 ms. */
const budgetMs = 5;
/** Number of flushes between two checks of the clock. A write takes 5 µs, or up to 2 ms for a megabyte. */
const stride = 4;

/**
 * Flushes each {@link Flushable} once, in order of addition, at the end of the next turn of the event loop.
 * That turn often adds more frames, and one write for all frames is cheaper. If the current turn takes 5 ms,
 * the flushes run at the end of the current turn. After 5 ms of flushes, later turns run the other flushes.
 */
export class FlushScheduler {
  readonly #now: () => number;
  readonly #waiting = new Fifo<Flushable>();
  #root = FrameTrie.root();
  #isScheduled = false;
  /** Time when the oldest waiting entry was added. */
  #waitingSince = 0;

  /** @param now returns the time in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** The root of the trie that all sockets share until the next flush. */
  get root(): FrameTrie {
    return this.#root;
  }

  /** Schedules a flush. MUST NOT be called for a `flushable` that still waits for a flush. */
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

  // Bound to an async context of its own, because a flush does not belong to one actor.
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
