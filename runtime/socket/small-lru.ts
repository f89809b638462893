import type { Frame } from "../../actors/index.ts";

/** Maximum number of entries. A new frame is compared with each entry, which takes about 5 ns per entry. */
const capacity = 4;

/**
 * The entries that were used last. Texts are compared by value, and buffers by identity. With few entries, an
 * array takes less memory and time than a map.
 */
export class SmallLru<T extends { readonly frame: Frame }> {
  /** The most recently used entry comes first. */
  readonly #entries: T[] = [];

  find(frame: Frame): T | undefined {
    const entries = this.#entries;
    for (let index = 0; index < entries.length; index += 1) {
      const entry = entries[index];
      if (entry === undefined || entry.frame !== frame) continue;
      if (index > 0) {
        entries.splice(index, 1);
        entries.unshift(entry);
      }
      return entry;
    }
    return undefined;
  }

  /** Adds an entry that {@link find} did not return. */
  add(entry: T): T {
    if (this.#entries.length === capacity) this.#entries.pop();
    this.#entries.unshift(entry);
    return entry;
  }
}
