/** Removed ranges stay in the array until there are this many numbers of them. */
const compactFrom = 64;

/**
 * A first-in, first-out queue of numbers. Consecutive numbers take no memory of their own: the members of a room get
 * the same frames one after the other, so the ids of the frames in a log form few ranges.
 */
export class Ranges {
  /** The first number of each range, and the number after its last one, in turn. */
  readonly #bounds: number[] = [];
  /** The index of the oldest range. */
  #head = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(number: number): void {
    const bounds = this.#bounds;
    const last = bounds.length - 1;
    if (this.#size > 0 && bounds[last] === number) bounds[last] = number + 1;
    else bounds.push(number, number + 1);
    this.#size += 1;
  }

  /** The oldest number; undefined if there is none. */
  get first(): number | undefined {
    return this.#bounds[this.#head];
  }

  /** Removes up to `max` numbers, which begin with {@link first} and are consecutive. @returns how many. */
  shift(max: number): number {
    if (this.#size === 0) return 0;
    const bounds = this.#bounds;
    const first = bounds[this.#head] as number;
    const end = bounds[this.#head + 1] as number;
    const count = Math.min(max, end - first);
    bounds[this.#head] = first + count;
    this.#size -= count;
    if (first + count === end) this.#removeHead();
    return count;
  }

  *[Symbol.iterator](): IterableIterator<number> {
    for (let index = this.#head; index < this.#bounds.length; index += 2) {
      const end = this.#bounds[index + 1] as number;
      for (let number = this.#bounds[index] as number; number < end; number += 1) yield number;
    }
  }

  #removeHead(): void {
    this.#head += 2;
    const { length } = this.#bounds;
    if (this.#head < length && (this.#head < compactFrom || this.#head * 2 < length)) return;
    this.#bounds.splice(0, this.#head);
    this.#head = 0;
  }
}
