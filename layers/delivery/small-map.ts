/** A map that mostly has one entry at most, and then takes no table for it: an empty `Map` alone has 180 bytes. */
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

  /** Returns whether it was there. */
  delete(key: K): boolean {
    if (key !== this.#key) return this.#others?.delete(key) ?? false;
    this.#key = undefined;
    this.#value = undefined;
    return true;
  }

  keys(): K[] {
    const others = this.#others === undefined ? [] : [...this.#others.keys()];
    return this.#key === undefined ? others : [this.#key, ...others];
  }
}
