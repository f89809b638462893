/** The presence of one actor in a group. */
export interface Entry {
  /** Identifies the entry on the actor's node. */
  readonly ref: number;
  readonly group: string;
  readonly key: string;
  readonly meta: unknown;
}

/** The entries of all nodes, by group and key. */
export class PresenceView {
  readonly #groups = new Map<string, Map<string, Set<Entry>>>();

  add(entry: Entry): void {
    const keys = this.#groups.get(entry.group) ?? new Map<string, Set<Entry>>();
    const entries = keys.get(entry.key) ?? new Set<Entry>();
    this.#groups.set(entry.group, keys.set(entry.key, entries.add(entry)));
  }

  remove(entry: Entry): void {
    const keys = this.#groups.get(entry.group);
    const entries = keys?.get(entry.key);
    if (keys === undefined || !entries?.delete(entry)) return;
    if (entries.size === 0) keys.delete(entry.key);
    if (keys.size === 0) this.#groups.delete(entry.group);
  }

  /** Returns the metas of a group's members, by key. The metas of a key are in the order of their arrival. */
  list(group: string): Map<string, unknown[]> {
    const keys = [...(this.#groups.get(group) ?? [])];
    return new Map(keys.map(([key, entries]) => [key, [...entries].map(({ meta }) => meta)]));
  }

  /** Returns the number of keys in a group. */
  count(group: string): number {
    return this.#groups.get(group)?.size ?? 0;
  }
}
