const compactFrom = 512;

/** Shared by all empty queues: each actor has several, most of them empty most of the time. */
const none: readonly never[] = Object.freeze([]);

/** A first-in first-out queue with amortised constant time for each operation. */
export class Fifo<T> {
  #items: readonly T[] = none;
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  /** The item that {@link shift} would return. */
  get first(): T | undefined {
    return this.#items[this.#head];
  }

  /** The item that was pushed last, unless it was shifted. */
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
      // Half of a long list is behind the head: drop it, so that a queue that is never empty does not grow.
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
