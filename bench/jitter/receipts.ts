/** The headlines that one client has received, and the gaps that its library has announced. */
export class Receipts {
  readonly #copies: Uint32Array;
  /** The numbers received, in order. A gap is `undefined`. */
  readonly #events: (number | undefined)[] = [];

  /** @param broadcasts the number of headlines, whose numbers begin at 0 */
  constructor(broadcasts: number) {
    this.#copies = new Uint32Array(broadcasts);
  }

  /** Counts a copy of a headline. @throws if the number is not one of the broadcasts */
  receive(number: number): void {
    if (!(number in this.#copies)) throw new Error(`The headline ${number} was never sent.`);
    this.#copies[number] = (this.#copies[number] ?? 0) + 1;
    this.#events.push(number);
  }

  /** Counts an announced gap. */
  announceGap(): void {
    this.#events.push(undefined);
  }

  /** The number of headlines that were broadcast. */
  get broadcasts(): number {
    return this.#copies.length;
  }

  get received(): number {
    return this.#copies.filter((copies) => copies > 0).length;
  }

  get duplicated(): number {
    return this.#copies.reduce((sum, copies) => sum + Math.max(0, copies - 1), 0);
  }

  get gaps(): number {
    return this.#events.filter((event) => event === undefined).length;
  }

  /**
   * The number of missing headlines that no gap covers. A gap covers the numbers between the greatest one
   * received before it and the least one received after it.
   */
  get silentlyLost(): number {
    const isCovered = new Set<number>();
    for (const [at, event] of this.#events.entries()) {
      if (event !== undefined) continue;
      const [from, to] = [this.#greatestBefore(at), this.#leastAfter(at)];
      for (let number = from + 1; number < to; number += 1) isCovered.add(number);
    }
    return this.#copies.reduce(
      (sum, copies, number) => sum + (copies === 0 && !isCovered.has(number) ? 1 : 0),
      0,
    );
  }

  #greatestBefore(at: number): number {
    return Math.max(-1, ...this.#events.slice(0, at).filter((event) => event !== undefined));
  }

  #leastAfter(at: number): number {
    const after = this.#events.slice(at).filter((event) => event !== undefined);
    return Math.min(this.#copies.length, ...after);
  }
}
