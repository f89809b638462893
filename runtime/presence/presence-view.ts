import type { Clock } from "../../layers/clock.ts";
import type { Entry } from "./entry.ts";
import { GracePeriods } from "./grace-periods.ts";
import { PresenceChanges, presenceDiff } from "./presence-changes.ts";

/** The entries of all nodes, by group and key. */
export class PresenceView {
  readonly #groups = new Map<string, Map<string, Set<Entry>>>();
  readonly #changes = new PresenceChanges();
  /** The absent members. The entry of an absent member is the only entry of its key. */
  readonly #absent: GracePeriods;

  /** @param onChange called after a change that no method of this view has caused. */
  constructor(clock: Clock, onChange: () => void) {
    this.#absent = new GracePeriods(clock, (entry) => {
      this.remove(entry);
      onChange();
    });
  }

  /** Adds an entry. If the key has the entry of an absent member, this entry replaces it. */
  add(entry: Entry): void {
    const keys = this.#groups.get(entry.group) ?? new Map<string, Set<Entry>>();
    const entries = keys.get(entry.key) ?? new Set<Entry>();
    const [first] = entries;
    this.#changes.added(entry, first !== undefined);
    this.#groups.set(entry.group, keys.set(entry.key, entries.add(entry)));
    if (first !== undefined && this.#absent.delete(first)) this.remove(first);
  }

  remove(entry: Entry): void {
    const keys = this.#groups.get(entry.group);
    const entries = keys?.get(entry.key);
    if (keys === undefined || !entries?.delete(entry)) return;
    this.#changes.removed(entry);
    if (entries.size === 0) keys.delete(entry.key);
    if (keys.size === 0) this.#groups.delete(entry.group);
  }

  /** Removes the entry of an actor that has ended: after its grace, if the key has no other entry. */
  end(entry: Entry): void {
    const isLast = this.#groups.get(entry.group)?.get(entry.key)?.size === 1;
    if (isLast && entry.graceMs > 0) this.#absent.add(entry);
    else this.remove(entry);
  }

  /** Returns the metas of a group's members, by key. The metas of a key are in the order of their arrival. */
  list(group: string): Map<string, unknown[]> {
    return new Map([...(this.#groups.get(group) ?? [])].map(([key, entries]) => [key, metasOf(entries)]));
  }

  /** Returns the number of keys in a group. */
  count(group: string): number {
    return this.#groups.get(group)?.size ?? 0;
  }

  /** Calls `report` for each group that has changed since the last call. `diff` creates the message. */
  reportChanges(report: (group: string, diff: () => ReturnType<typeof presenceDiff>) => void): void {
    for (const [group, changes] of this.#changes.take()) {
      const keys = this.#groups.get(group);
      report(group, () =>
        presenceDiff(group, changes, (key) => {
          const entries = keys?.get(key);
          return entries && metasOf(entries);
        }),
      );
    }
  }

  /** Stops the timers. */
  close(): void {
    this.#absent.clear();
  }
}

const metasOf = (entries: Iterable<Entry>): unknown[] => [...entries].map(({ meta }) => meta);
