import { checkInteger } from "../../layers/check-integer.ts";
import type { Clock } from "../../layers/clock.ts";
import { InvalidOptionError } from "../../layers/errors.ts";
import { Fifo } from "../../layers/fifo.ts";
import type { Message } from "../../layers/message.ts";
import { checkGroup } from "../../layers/names.ts";
import { inParts, valueThroughCodec } from "../../layers/through-codec.ts";
import type { RuntimeDropReason } from "../counters.ts";
import { otherNodes } from "../limits/other-nodes.ts";
import { TokenBucket } from "../limits/token-bucket.ts";
import { type Entry, memoryOfEntry } from "./entry.ts";
import { MemoryBudget, MemoryShare } from "./memory-share.ts";
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

export interface PresenceLimit {
  /** The estimated memory of the entries of this node, in bytes. */
  readonly maxBytes: number;
  /** Returns the error for an entry beyond the limit. */
  reached(): Error;
}

export const maxKeyLength = 256;
/** The longest grace: one hour, in milliseconds. */
export const maxGraceMs = 3_600_000;
const maxMetaBytes = 64 * 1024;
/** Changes of other nodes' entries that are applied in one turn of the event loop: about 10 ms of work. */
const changesPerTurn = 2_000;
/** Messages whose changes may wait. If more wait, everything is applied at once, so that memory is bounded. */
const maxWaitingChanges = 20;

const noLimit: PresenceLimit = { maxBytes: Number.POSITIVE_INFINITY, reached: () => new RangeError() };

/** The members of groups, on all nodes. Each node broadcasts the numbered changes of its own entries. */
export class Presence {
  readonly #transport: PresenceTransport;
  readonly #view: PresenceView;
  /** The entries of this node, by group. */
  readonly #own = new Map<string, Map<Tracker, Entry>>();
  readonly #ownBytes: MemoryShare;
  readonly #limit: PresenceLimit;
  readonly #watchers = new Map<string, Set<Tracker>>();
  readonly #replicas = new Map<string, PresenceReplica>();
  readonly #clock: Clock;
  readonly #budget = new MemoryBudget(otherNodes.maxPresenceBytesInAll);
  /** Limits the parts of this node's state that go to other nodes. */
  readonly #stateParts: TokenBucket;
  /** The changes of other nodes' entries that are not applied yet. */
  readonly #changes = new Fifo<Iterator<void>>();
  #version = 0;
  #lastRef = 0;
  readonly #joins = new Set<Entry>();
  #leaves: number[] = [];
  #ended: number[] = [];
  #isFlushing = false;
  #isApplying = false;

  constructor(transport: PresenceTransport, clock: Clock, limit: PresenceLimit = noLimit) {
    this.#transport = transport;
    this.#limit = limit;
    this.#ownBytes = new MemoryShare(new MemoryBudget(limit.maxBytes), limit.maxBytes);
    this.#clock = clock;
    this.#stateParts = new TokenBucket(clock, otherNodes.stateParts);
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

  /**
   * Makes `tracker` present in `group`, or replaces its key and meta. If it throws, nothing has changed.
   * @throws like `Consumer.track`.
   */
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
    const entry = { ref: this.#lastRef + 1, group, key, meta: copy, graceMs };
    if (!this.#ownBytes.take(memoryOfEntry(entry))) throw this.#limit.reached();
    // Of several entries with one key in one turn of the event loop, only the last is broadcast.
    if (replaced?.key === key) this.#joins.delete(replaced);
    this.untrack(tracker, group);
    this.#lastRef += 1;
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

  // ---- Messages of other nodes. Methods return a reason if they drop a message, or a part of it.

  heartbeat(node: string, version: number): RuntimeDropReason | undefined {
    const replica = this.#replica(node);
    replica.isRequested = false;
    replica.noteVersion(version);
    return this.#requestIf(replica.isBehind || replica.isTimeToRetry(), node, replica);
  }

  applyDiff(node: string, diff: Diff): RuntimeDropReason | undefined {
    const replica = this.#replica(node);
    this.#apply(replica.apply(diff));
    return replica.takeExcess() ? "excess" : this.#requestIf(replica.isBehind, node, replica);
  }

  restore(node: string, state: StatePart): RuntimeDropReason | undefined {
    const replica = this.#replica(node);
    this.#apply(replica.restore(state));
    return replica.takeExcess() ? "excess" : undefined;
  }

  sendState(node: string): RuntimeDropReason | undefined {
    if (!this.#replica(node).replies.take() || !this.#stateParts.take(0)) return "excess";
    this.flush();
    const parts = inParts([...this.#own.values()].flatMap((entries) => [...entries.values()]));
    this.#stateParts.take(parts.length);
    for (const [part, entries] of parts.entries()) {
      this.#transport.reply(node, { version: this.#version, part, parts: parts.length, entries });
    }
    return undefined;
  }

  nodeLeft(node: string): void {
    const replica = this.#replicas.get(node);
    if (replica === undefined) return;
    this.#replicas.delete(node);
    replica.clear();
    this.#apply({ joined: [], left: [], ended: [...replica.entries] });
  }

  #replica(node: string): PresenceReplica {
    const replica = this.#replicas.get(node) ?? new PresenceReplica(this.#clock, this.#budget);
    this.#replicas.set(node, replica);
    return replica;
  }

  /** Sends at most one request per heartbeat. A lost request is repeated after the node's next heartbeat. */
  #requestIf(isNeeded: boolean, node: string, replica: PresenceReplica): RuntimeDropReason | undefined {
    if (!isNeeded || replica.isRequested) return undefined;
    replica.isRequested = true;
    if (!replica.requests.take()) return "excess";
    this.#transport.request(node);
    return undefined;
  }

  /** Removes and returns this node's entry of `tracker` in `group`. */
  #take(tracker: Tracker, group: string): Entry | undefined {
    const entries = this.#own.get(group);
    const entry = entries?.get(tracker);
    if (entries?.delete(tracker) && entries.size === 0) this.#own.delete(group);
    if (entry !== undefined) this.#ownBytes.give(memoryOfEntry(entry));
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

  /** Applies a small change at once, unless earlier changes wait. Divides a large change among several turns. */
  #apply(change: Change): void {
    this.#changes.push(this.#stepsOf(change));
    if (this.#changes.size === 1 || this.#changes.size > maxWaitingChanges) this.#applySome();
  }

  *#stepsOf({ joined, left, ended }: Change): Iterator<void> {
    for (const entry of joined) yield this.#view.add(entry);
    for (const entry of left) yield this.#view.remove(entry);
    for (const entry of ended) yield this.#view.end(entry);
  }

  #applyLater(): void {
    if (this.#isApplying) return;
    this.#isApplying = true;
    setImmediate(() => {
      this.#isApplying = false;
      this.#applySome();
    });
  }

  #applySome(): void {
    const most = this.#changes.size > maxWaitingChanges ? Number.POSITIVE_INFINITY : changesPerTurn;
    for (let count = 0; count < most && this.#changes.size > 0; count += 1) {
      if (this.#changes.first?.next().done) this.#changes.shift();
    }
    this.#notify();
    if (this.#changes.size > 0) this.#applyLater();
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
