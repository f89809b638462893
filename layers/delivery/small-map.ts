/** A map that creates a `Map` only for a second entry, because even an empty `Map` takes 180 bytes. */
export class SmallMap<K extends object, V> {
  #key: K | undefined;
  #value: V | undefined;
  #others: Map<K, V> | undefined;

  get size(): number {
    return (this.#key === undefined ? 0 : 1) + (this.#others?.size ?? 0);
  }

  get(key: K): V | undefined {
    return key === this.#key ? this.#value : this.#others?.get(key);
  }

  set(key: K, value: V): void {
    if (this.#others?.has(key)) this.#others.set(key, value);
    else if (this.#key === undefined || this.#key === key) {
      this.#key = key;
      this.#value = value;
    } else {
      this.#others ??= new Map();
      this.#others.set(key, value);
    }
  }

  /** @returns whether the key existed. */
  delete(key: K): boolean {
    if (key !== this.#key) return this.#others?.delete(key) ?? false;
    this.#key = undefined;
    this.#value = undefined;
    return true;
  }

  keys(): K[] {
    return [...this];
  }

  /** Iterates the keys. Keys may be deleted meanwhile. */
  *[Symbol.iterator](): IterableIterator<K> {
    if (this.#key !== undefined) yield this.#key;
    if (this.#others !== undefined) yield* this.#others.keys();
  }
}
