/** Caches computed values for up to `limit` keys and evicts the oldest entry first. */
export class BoundedCache<K, V> {
  readonly #limit: number;
  readonly #values = new Map<K, V>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#values.size;
  }

  get(key: K, compute: () => V): V {
    const known = this.#values.get(key);
    if (known !== undefined) return known;
    const value = compute();
    if (this.#values.size >= this.#limit) {
      const [first] = this.#values.keys();
      this.#values.delete(first as K);
    }
    this.#values.set(key, value);
    return value;
  }
}
