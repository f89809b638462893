import { InvalidMessageError } from "../../layers/errors.ts";
import type { Message } from "../../layers/message.ts";
import { checkGroup } from "../../layers/names.ts";
import { deepFreeze } from "../../layers/wire/plain-values.ts";
import { inParts } from "../cluster/parts.ts";
import { carried, sizeOf } from "../cluster/through-codec.ts";
import type { Fields } from "../cluster/untrusted.ts";
import { longestKey, readDiff, readStatePart } from "./presence-messages.ts";
import { type Change, type Diff, PresenceReplica, type StatePart } from "./presence-replica.ts";
import { type Entry, PresenceView } from "./presence-view.ts";

/** Whose presence it is. */
export interface Tracker {
  /** Hears, in a message `presence_diff`, of what changed in a group that it is present in, or watches. */
  presenceChanged(diff: Message): void;
}

/** The way to other nodes. What is lost is noticed by their next beat. */
export interface PresenceTransport {
  broadcast(diff: Diff): void;
  /** Asks a node for all it has. */
  request(node: string): void;
  reply(node: string, state: StatePart): void;
}

const longestMeta = 64 * 1024;

/**
 * Who is present in which group, on all nodes. Each node is the only one to say who is present there, and numbers the
 * changes; the others follow, and ask for the whole where a number is missing.
 */
export class Presence {
  readonly #transport: PresenceTransport;
  readonly #view = new PresenceView();
  /** The trackers of this node, by group. */
  readonly #own = new Map<string, Map<Tracker, Entry>>();
  /** Those of this node who hear of a group, present in it or not. */
  readonly #watchers = new Map<string, Set<Tracker>>();
  readonly #replicas = new Map<string, PresenceReplica>();
  /** The nodes that have been asked for all they have, since their last beat. */
  readonly #asked = new Set<string>();
  #version = 0;
  #lastRef = 0;
  #joins = new Set<Entry>();
  #leaves: Entry[] = [];
  #isFlushing = false;

  constructor(transport: PresenceTransport) {
    this.#transport = transport;
  }

  /** How often the entries of this node have changed. */
  get version(): number {
    return this.#version;
  }

  /** How many groups are watched here. */
  get watched(): number {
    return this.#watchers.size;
  }

  /**
   * Makes `tracker` present in `group`, or replaces what is said of it there.
   *
   * @throws {InvalidNameError}
   * @throws {RangeError} for a key that is no text of 1 to 256 characters.
   * @throws {InvalidMessageError} for a meta that no message can hold, or of more than 64 KiB.
   */
  track(tracker: Tracker, group: string, key: string, meta: unknown): void {
    checkGroup(group);
    if (typeof key !== "string" || key === "" || key.length > longestKey) {
      throw new RangeError(
        `A key is a text of 1 to ${longestKey} characters, not ${String(key).slice(0, 40)}.`,
      );
    }
    const size = sizeOf(meta);
    if (size > longestMeta) {
      throw new InvalidMessageError(
        `A meta has at most ${longestMeta} bytes when encoded, and this one has ${size}.`,
      );
    }
    this.untrack(tracker, group);
    this.#lastRef += 1;
    const entry = { ref: this.#lastRef, group, key, meta: carried({ type: "meta", meta }).meta };
    const trackers = this.#own.get(group) ?? new Map<Tracker, Entry>();
    this.#own.set(group, trackers.set(tracker, entry));
    this.#view.add(entry);
    this.#joins.add(entry);
    this.#flushLater();
  }

  /** Who is not present is fine. */
  untrack(tracker: Tracker, group: string): void {
    const trackers = this.#own.get(group);
    const entry = trackers?.get(tracker);
    if (trackers === undefined || entry === undefined) return;
    trackers.delete(tracker);
    if (trackers.size === 0) this.#own.delete(group);
    this.#view.remove(entry);
    // Of who came and went within a turn nobody has heard.
    if (!this.#joins.delete(entry)) this.#leaves.push(entry);
    this.#flushLater();
  }

  /** Lets `tracker` hear of `group`. @throws {InvalidNameError} */
  watch(tracker: Tracker, group: string): void {
    checkGroup(group);
    const watchers = this.#watchers.get(group) ?? new Set();
    this.#watchers.set(group, watchers.add(tracker));
  }

  /** Who does not watch is fine. */
  unwatch(tracker: Tracker, group: string): void {
    const watchers = this.#watchers.get(group);
    if (watchers?.delete(tracker) && watchers.size === 0) this.#watchers.delete(group);
  }

  list(group: string): Map<string, unknown[]> {
    return this.#view.list(group);
  }

  count(group: string): number {
    return this.#view.count(group);
  }

  /** Tells everybody what has changed here since the last time. */
  flush(): void {
    const joined = [...this.#joins];
    const left = this.#leaves;
    this.#joins.clear();
    this.#leaves = [];
    if (joined.length + left.length === 0) return;
    for (const [index, joins] of inParts(joined).entries()) {
      this.#version += 1;
      const leaves = index === 0 ? left.map(({ ref }) => ref) : [];
      this.#transport.broadcast({ version: this.#version, joins, leaves });
    }
    this.#tell({ joined, left });
  }

  // ---- from other nodes

  /** A node is at this version. */
  heard(node: string, version: number): void {
    this.#asked.delete(node);
    const replica = this.#replica(node);
    replica.heard(version);
    this.#askIfBehind(node, replica);
  }

  /** A node's entries have changed. @returns false for what makes no sense. */
  changed(node: string, fields: Fields): boolean {
    const diff = readDiff(fields);
    if (diff === undefined) return false;
    const replica = this.#replica(node);
    this.#take(replica.apply(diff));
    this.#askIfBehind(node, replica);
    return true;
  }

  /** A node says all it has, in parts. @returns false for what makes no sense. */
  restored(node: string, fields: Fields): boolean {
    const state = readStatePart(fields);
    if (state === undefined) return false;
    this.#take(this.#replica(node).restore(state));
    return true;
  }

  /** A node wants to know all that this one has. */
  requested(node: string): void {
    this.flush();
    const entries = [...this.#own.values()].flatMap((trackers) => [...trackers.values()]);
    const parts = inParts(entries);
    for (const [part, some] of parts.entries()) {
      this.#transport.reply(node, { version: this.#version, part, parts: parts.length, entries: some });
    }
  }

  /** A node is gone, and all who were present there. */
  left(node: string): void {
    const replica = this.#replicas.get(node);
    this.#replicas.delete(node);
    this.#asked.delete(node);
    if (replica !== undefined) this.#take({ joined: [], left: [...replica.entries] });
  }

  #replica(node: string): PresenceReplica {
    const replica = this.#replicas.get(node) ?? new PresenceReplica();
    this.#replicas.set(node, replica);
    return replica;
  }

  /** Once between two of its beats: what is lost is asked for again after the next. */
  #askIfBehind(node: string, replica: PresenceReplica): void {
    if (!replica.isBehind || this.#asked.has(node)) return;
    this.#asked.add(node);
    this.#transport.request(node);
  }

  #take(change: Change): void {
    for (const entry of change.joined) this.#view.add(entry);
    for (const entry of change.left) this.#view.remove(entry);
    this.#tell(change);
  }

  #tell({ joined, left }: Change): void {
    const joins = byGroup(joined);
    const leaves = byGroup(left);
    for (const group of new Set([...joins.keys(), ...leaves.keys()])) {
      const trackers = new Set([
        ...(this.#own.get(group)?.keys() ?? []),
        ...(this.#watchers.get(group) ?? []),
      ]);
      if (trackers.size === 0) continue;
      const diff = deepFreeze({
        type: "presence_diff",
        group,
        joins: joins.get(group) ?? [],
        leaves: leaves.get(group) ?? [],
      });
      for (const tracker of trackers) tracker.presenceChanged(diff);
    }
  }

  #flushLater(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    setImmediate(() => {
      this.#isFlushing = false;
      this.flush();
    });
  }
}

function byGroup(entries: readonly Entry[]): Map<string, { readonly key: string; readonly meta: unknown }[]> {
  const groups = new Map<string, { readonly key: string; readonly meta: unknown }[]>();
  for (const { group, key, meta } of entries) {
    const some = groups.get(group);
    if (some === undefined) groups.set(group, [{ key, meta }]);
    else some.push({ key, meta });
  }
  return groups;
}
