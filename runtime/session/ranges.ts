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

  shift(): number | undefined {
    if (this.#size === 0) return undefined;
    const bounds = this.#bounds;
    const head = this.#head;
    const number = bounds[head] as number;
    bounds[head] = number + 1;
    this.#size -= 1;
    if (number + 1 === bounds[head + 1]) this.#removeHead();
    return number;
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
