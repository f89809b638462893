const compactFrom = 512;

/** All empty queues share this array to save memory, because most queues of an actor are empty. */
const none: readonly never[] = Object.freeze([]);

/** A first-in, first-out queue. Each operation takes amortised constant time. */
export class Fifo<T> {
  #items: readonly T[] = none;
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  get first(): T | undefined {
    return this.#items[this.#head];
  }

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
      // Without this copy, the array would grow forever in a queue that never becomes empty.
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
