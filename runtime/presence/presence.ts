import { checkInteger } from "../../layers/check-integer.ts";
import type { Clock } from "../../layers/clock.ts";
import { InvalidOptionError } from "../../layers/errors.ts";
import type { Message } from "../../layers/message.ts";
import { checkGroup } from "../../layers/names.ts";
import { inParts, valueThroughCodec } from "../../layers/through-codec.ts";
import type { Entry } from "./entry.ts";
import { type Change, type Diff, PresenceReplica, type StatePart } from "./presence-replica.ts";
import { PresenceView } from "./presence-view.ts";

/** An actor that is present in groups, or watches groups. */
export interface Tracker {
  /** Receives a `presence_diff` message about a group in which the actor is present or that it watches. */
  presenceChanged(diff: Message): void;
}

/** Sends messages to other nodes. May lose a message: the next heartbeat reveals the loss. */
export interface PresenceTransport {
  broadcast(diff: Diff): void;
  /** Requests a full copy of a node's state. */
  request(node: string): void;
  reply(node: string, state: StatePart): void;
}

export const maxKeyLength = 256;
/** The longest grace: one hour, in milliseconds. */
export const maxGraceMs = 3_600_000;
const maxMetaBytes = 64 * 1024;

/** The members of groups, on all nodes. Each node broadcasts the numbered changes of its own entries. */
export class Presence {
  readonly #transport: PresenceTransport;
  readonly #view: PresenceView;
  /** The entries of this node, by group. */
  readonly #own = new Map<string, Map<Tracker, Entry>>();
  readonly #watchers = new Map<string, Set<Tracker>>();
  readonly #replicas = new Map<string, PresenceReplica>();
  #version = 0;
  #lastRef = 0;
  readonly #joins = new Set<Entry>();
  #leaves: number[] = [];
  #ended: number[] = [];
  #isFlushing = false;

  constructor(transport: PresenceTransport, clock: Clock) {
    this.#transport = transport;
    this.#view = new PresenceView(clock, () => this.#flushLater());
  }

  /** Number of diffs that this node has broadcast. */
  get version(): number {
    return this.#version;
  }

  /** Number of groups with watchers on this node. */
  get watched(): number {
    return this.#watchers.size;
  }

  /** Makes `tracker` present in `group`, or replaces its key and meta. @throws like `Consumer.track`. */
  track(tracker: Tracker, group: string, key: string, meta: unknown, graceMs = 0): void {
    checkGroup(group);
    if (typeof key !== "string" || key === "" || key.length > maxKeyLength) {
      const shown = JSON.stringify(String(key).slice(0, 40));
      throw new InvalidOptionError(
        `\`key\` must be a string of 1 to ${maxKeyLength} characters, not ${shown}.`,
      );
    }
    checkInteger("graceMs", graceMs, { min: 0, max: maxGraceMs });
    const copy = valueThroughCodec(meta, "A meta", maxMetaBytes);
    const replaced = this.find(tracker, group);
    // Of several entries with one key in one turn of the event loop, only the last is broadcast.
    if (replaced?.key === key) this.#joins.delete(replaced);
    this.untrack(tracker, group);
    this.#lastRef += 1;
    const entry = { ref: this.#lastRef, group, key, meta: copy, graceMs };
    const entries = this.#own.get(group) ?? new Map<Tracker, Entry>();
    this.#own.set(group, entries.set(tracker, entry));
    this.#view.add(entry);
    this.#joins.add(entry);
    this.#flushLater();
  }

  /** Ends the presence of `tracker` in `group` at once. */
  untrack(tracker: Tracker, group: string): void {
    const entry = this.#take(tracker, group);
    if (entry === undefined) return;
    this.#view.remove(entry);
    // Broadcast even if the entry joined in this turn, because it may have replaced that of an absent member.
    this.#leaves.push(entry.ref);
    this.#flushLater();
  }

  /** Ends the presence of an ended `tracker` in `group`. Its entry stays for its grace. */
  end(tracker: Tracker, group: string): void {
    const entry = this.#take(tracker, group);
    if (entry === undefined) return;
    this.#view.end(entry);
    this.#ended.push(entry.ref);
    this.#flushLater();
  }

  /** Returns the presence of `tracker` in `group`, or undefined. */
  find(tracker: Tracker, group: string): Entry | undefined {
    return this.#own.get(group)?.get(tracker);
  }

  /** Notifies `tracker` of changes in `group`. @throws {InvalidNameError} */
  watch(tracker: Tracker, group: string): void {
    checkGroup(group);
    const watchers = this.#watchers.get(group) ?? new Set();
    this.#watchers.set(group, watchers.add(tracker));
  }

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

  /** Broadcasts the changes of this node's entries that were not broadcast yet, and notifies the trackers. */
  flush(): void {
    const [joined, leaves, ended] = [[...this.#joins], this.#leaves, this.#ended];
    this.#joins.clear();
    this.#leaves = [];
    this.#ended = [];
    if (joined.length + leaves.length + ended.length > 0) this.#broadcast(joined, leaves, ended);
    this.#notify();
  }

  /** Broadcasts the last changes, and stops the timers. */
  close(): void {
    this.flush();
    this.#view.close();
  }

  // ---- Messages of other nodes

  heartbeat(node: string, version: number): void {
    const replica = this.#replica(node);
    replica.isRequested = false;
    replica.noteVersion(version);
    this.#requestIfBehind(node, replica);
  }

  applyDiff(node: string, diff: Diff): void {
    const replica = this.#replica(node);
    this.#apply(replica.apply(diff));
    this.#requestIfBehind(node, replica);
  }

  restore(node: string, state: StatePart): void {
    this.#apply(this.#replica(node).restore(state));
  }

  sendState(node: string): void {
    this.flush();
    const parts = inParts([...this.#own.values()].flatMap((entries) => [...entries.values()]));
    for (const [part, entries] of parts.entries()) {
      this.#transport.reply(node, { version: this.#version, part, parts: parts.length, entries });
    }
  }

  nodeLeft(node: string): void {
    const replica = this.#replicas.get(node);
    this.#replicas.delete(node);
    if (replica !== undefined) this.#apply({ joined: [], left: [], ended: [...replica.entries] });
  }

  #replica(node: string): PresenceReplica {
    const replica = this.#replicas.get(node) ?? new PresenceReplica();
    this.#replicas.set(node, replica);
    return replica;
  }

  /** Sends at most one request per heartbeat. A lost request is repeated after the node's next heartbeat. */
  #requestIfBehind(node: string, replica: PresenceReplica): void {
    if (!replica.isBehind || replica.isRequested) return;
    replica.isRequested = true;
    this.#transport.request(node);
  }

  /** Removes and returns this node's entry of `tracker` in `group`. */
  #take(tracker: Tracker, group: string): Entry | undefined {
    const entries = this.#own.get(group);
    const entry = entries?.get(tracker);
    if (entries?.delete(tracker) && entries.size === 0) this.#own.delete(group);
    return entry;
  }

  #broadcast(joined: readonly Entry[], leaves: readonly number[], ended: readonly number[]): void {
    const parts = inParts(joined);
    for (const [index, joins] of parts.entries()) {
      this.#version += 1;
      // A key that leaves and joins is never absent if the leaves come last.
      const last = index === parts.length - 1 ? { leaves, ended } : { leaves: [], ended: [] };
      this.#transport.broadcast({ version: this.#version, joins, ...last });
    }
  }

  #apply({ joined, left, ended }: Change): void {
    for (const entry of joined) this.#view.add(entry);
    for (const entry of left) this.#view.remove(entry);
    for (const entry of ended) this.#view.end(entry);
    this.#notify();
  }

  #notify(): void {
    this.#view.reportChanges((group, diffOf) => {
      const own = this.#own.get(group)?.keys() ?? [];
      const trackers = new Set([...own, ...(this.#watchers.get(group) ?? [])]);
      const diff = trackers.size > 0 ? diffOf() : undefined;
      if (diff !== undefined) for (const tracker of trackers) tracker.presenceChanged(diff);
    });
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
