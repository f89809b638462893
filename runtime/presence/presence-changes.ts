import { isDeepStrictEqual } from "node:util";
import type { Entry } from "./entry.ts";

/** The net changes of a key's entries since the last report. */
interface KeyChange {
  /** Whether the key had entries at the last report. */
  readonly wasPresent: boolean;
  readonly added: Set<Entry>;
  readonly removed: Entry[];
}

interface DiffEntry {
  readonly key: string;
  readonly metas: readonly unknown[];
}

/** The changes of a {@link PresenceView} that no {@link PresenceDiff} has reported yet. */
export class PresenceChanges {
  readonly #groups = new Map<string, Map<string, KeyChange>>();

  /** @param wasPresent whether the key had entries before. */
  added(entry: Entry, wasPresent: boolean): void {
    this.#of(entry, wasPresent).added.add(entry);
  }

  removed(entry: Entry): void {
    const { added, removed } = this.#of(entry, true);
    if (!added.delete(entry)) removed.push(entry);
  }

  /** Returns the changes by group and key, and forgets them. */
  take(): ReadonlyMap<string, ReadonlyMap<string, KeyChange>> {
    const groups = new Map(this.#groups);
    this.#groups.clear();
    return groups;
  }

  #of({ group, key }: Entry, wasPresent: boolean): KeyChange {
    const keys = this.#groups.get(group) ?? new Map<string, KeyChange>();
    const change = keys.get(key) ?? { wasPresent, added: new Set(), removed: [] };
    this.#groups.set(group, keys.set(key, change));
    return change;
  }
}

/**
 * Returns a frozen `presence_diff` message, or undefined if the changes cancel each other out.
 *
 * @param metasOf returns the metas of a present key.
 */
export function presenceDiff(
  group: string,
  keys: ReadonlyMap<string, KeyChange>,
  metasOf: (key: string) => unknown[] | undefined,
) {
  const joins: DiffEntry[] = [];
  const leaves: DiffEntry[] = [];
  const changes: DiffEntry[] = [];
  // The codec has already frozen the metas.
  const entry = (key: string, metas: unknown[]) => Object.freeze({ key, metas: Object.freeze(metas) });
  for (const [key, { wasPresent, added, removed }] of keys) {
    const metas = metasOf(key);
    if (metas === undefined) {
      if (wasPresent) leaves.push(entry(key, metasIn(removed)));
    } else if (!wasPresent) joins.push(entry(key, metas));
    else if (!isDeepStrictEqual(metasIn(added), metasIn(removed))) changes.push(entry(key, metas));
  }
  if (joins.length + leaves.length + changes.length === 0) return undefined;
  for (const list of [joins, leaves, changes]) Object.freeze(list);
  return Object.freeze({ type: "presence_diff", group, joins, leaves, changes });
}

const metasIn = (entries: Iterable<Entry>): unknown[] => [...entries].map(({ meta }) => meta);
