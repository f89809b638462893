/** Keeps the last `capacity` items. */
export class RingBuffer<T> {
  readonly #capacity: number;
  #items: T[] = [];
  /** The index of the oldest item when the buffer is full. */
  #start = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  push(item: T): void {
    if (this.#items.length < this.#capacity) {
      this.#items.push(item);
      return;
    }
    this.#items[this.#start] = item;
    this.#start = (this.#start + 1) % this.#capacity;
  }

  /** Iterates from the oldest item to the newest. */
  *[Symbol.iterator](): IterableIterator<T> {
    yield* this.#items.slice(this.#start);
    yield* this.#items.slice(0, this.#start);
  }
}
