/** The deadlines of actors, in order. Finding one takes logarithmic time. */
export class DeadlineList {
  readonly #entries: { readonly at: number; readonly key: string }[] = [];

  add(at: number, key: string): void {
    this.#entries.splice(this.#indexOf(at, key), 0, { at, key });
  }

  /** Removes a deadline that was added. */
  remove(at: number, key: string): void {
    this.#entries.splice(this.#indexOf(at, key), 1);
  }

  /** The first keys with a deadline of at most `now`, up to `limit` keys, and the earliest deadline after them. */
  due(now: number, limit: number): { readonly keys: readonly string[]; readonly next: number | undefined } {
    const keys: string[] = [];
    for (const { at, key } of this.#entries) {
      if (at > now || keys.length >= limit) return { keys, next: at };
      keys.push(key);
    }
    return { keys, next: undefined };
  }

  /** The index of an entry, or of its place. */
  #indexOf(at: number, key: string): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const entry = this.#entries[middle];
      if (entry !== undefined && (entry.at < at || (entry.at === at && entry.key < key))) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
