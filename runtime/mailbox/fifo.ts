const compactFrom = 512;

/** What all empty queues share: most are empty most of the time, and there are several for each actor. */
const none: readonly never[] = Object.freeze([]);

/** A queue: first in, first out, each in constant time on average. */
export class Fifo<T> {
  #items: readonly T[] = none;
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  /** The one that {@link shift} would give. */
  get first(): T | undefined {
    return this.#items[this.#head];
  }

  /** The one that came last, while it is there. */
  get last(): T | undefined {
    return this.size === 0 ? undefined : this.#items[this.#items.length - 1];
  }

  push(item: T): void {
    if (this.#items === none) this.#items = [item];
    else (this.#items as T[]).push(item);
  }

  shift(): T | undefined {
    if (this.#head === this.#items.length) return undefined;
    const item = this.#items[this.#head++];
    if (this.#head === this.#items.length) {
      this.clear();
    } else if (this.#head >= compactFrom && this.#head * 2 >= this.#items.length) {
      // Half of a long list is behind the head: let it go, so that a queue that never runs empty does not grow.
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  clear(): void {
    this.#items = none;
    this.#head = 0;
  }
}
