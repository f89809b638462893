/** One who is present in a group: an actor of some node, which is the only one to say so. */
export interface Entry {
  /** The node's own number for it, never given again. */
  readonly ref: number;
  readonly group: string;
  readonly key: string;
  readonly meta: unknown;
}

/** Who is present where, over all nodes: what is read. */
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

  /** The metas of a group's members, by key, in the order they came to be known. */
  list(group: string): Map<string, unknown[]> {
    const members = new Map<string, unknown[]>();
    for (const [key, entries] of this.#groups.get(group) ?? []) {
      members.set(
        key,
        [...entries].map(({ meta }) => meta),
      );
    }
    return members;
  }

  /** How many keys there are. */
  count(group: string): number {
    return this.#groups.get(group)?.size ?? 0;
  }
}
