import type { Clock } from "../../layers/clock.ts";
import { timeOf } from "../deadline.ts";
import { otherNodes } from "../limits/other-nodes.ts";
import { TokenBucket } from "../limits/token-bucket.ts";
import { type Entry, memoryOfEntry } from "./entry.ts";
import { type MemoryBudget, MemoryShare } from "./memory-share.ts";

/** The change from one version of a node's entries to the next version. */
export interface Diff {
  readonly version: number;
  readonly joins: readonly Entry[];
  /** The refs of the entries that left. */
  readonly leaves: readonly number[];
  /** The refs of the entries whose actors have ended. Such an entry stays for its grace. */
  readonly ended: readonly number[];
}

/** One part of a full copy of a node's state. All parts of a copy have the same version. */
export interface StatePart {
  readonly version: number;
  readonly part: number;
  readonly parts: number;
  readonly entries: readonly Entry[];
}

/** The entries that a message has added, removed and ended. */
export interface Change {
  readonly joined: Entry[];
  readonly left: Entry[];
  readonly ended: Entry[];
}

/** The parts of a state that have arrived. */
interface Copy {
  readonly version: number;
  readonly startedAt: number;
  readonly parts: Set<number>;
  readonly entries: Map<number, Entry>;
  /** Whether entries found no room. */
  isCut: boolean;
}

type PresenceLimits = Readonly<Record<"maxPresenceBytes" | "freePresenceBytes" | "maxWaitingBytes", number>>;

/** Maximum number of diffs that wait for an earlier diff that is missing. */
const maxWaiting = 1_000;
/** The estimated memory of a diff without its entries, of a ref in it, and of the number of a part. */
const diffBytes = 256;
const refBytes = 16;
const partBytes = 64;

/** A copy of another node's entries. Tolerates lost, repeated and reordered messages. Bounded in memory. */
export class PresenceReplica {
  /** Whether this node has requested the state since the other node's last heartbeat. */
  isRequested = false;
  /** Limits the requests for the state, because a false node can send any number of heartbeats. */
  readonly requests: TokenBucket;
  /** Limits the replies to the node's requests. */
  readonly replies: TokenBucket;
  readonly #clock: Clock;
  readonly #entries = new Map<number, Entry>();
  readonly #waiting = new Map<number, Diff>();
  readonly #entryBytes: MemoryShare;
  readonly #waitingBytes: MemoryShare;
  readonly #copyBytes: MemoryShare;
  #version = 0;
  #latest = 0;
  #copy: Copy | undefined;
  /** The time of the last entry without room, or of the last request because of it. */
  #cutAt: number | undefined;
  #excess = false;

  /** @param limits other limits, for specs. */
  constructor(clock: Clock, budget: MemoryBudget, limits: PresenceLimits = otherNodes) {
    this.#clock = clock;
    this.requests = new TokenBucket(clock, otherNodes.repliesToOne);
    this.replies = new TokenBucket(clock, otherNodes.repliesToOne);
    const { maxPresenceBytes, freePresenceBytes, maxWaitingBytes } = limits;
    this.#entryBytes = new MemoryShare(budget, maxPresenceBytes, freePresenceBytes);
    this.#copyBytes = new MemoryShare(budget, maxPresenceBytes, freePresenceBytes);
    this.#waitingBytes = new MemoryShare(budget, maxWaitingBytes);
  }

  /** Whether the other node is known to have a newer version of its entries than this copy. */
  get isBehind(): boolean {
    return this.#latest > this.#version;
  }

  /** Whether it is time to try again, because entries have found no room a while ago. */
  isTimeToRetry(): boolean {
    if (this.#cutAt === undefined || this.#now - this.#cutAt < otherNodes.retryPresenceMs) return false;
    this.#cutAt = this.#now;
    return true;
  }

  get entries(): Iterable<Entry> {
    return this.#entries.values();
  }

  /** Returns whether something found no room since the last call. */
  takeExcess(): boolean {
    const excess = this.#excess;
    this.#excess = false;
    return excess;
  }

  /** Notes the version in a heartbeat. Discards a copy whose parts have not arrived in time. */
  noteVersion(version: number): void {
    this.#latest = Math.max(this.#latest, version);
    if (this.#copy && this.#now - this.#copy.startedAt > otherNodes.maxCopyMs) this.#endCopy();
  }

  apply(diff: Diff): Change {
    this.#latest = Math.max(this.#latest, diff.version);
    const change: Change = { joined: [], left: [], ended: [] };
    if (diff.version === this.#version + 1) this.#step(diff, change);
    else if (diff.version > this.#version && !this.#waiting.has(diff.version)) this.#wait(diff);
    return this.#catchUp(change);
  }

  /** Adds one part of a full copy of the state. Applies the copy when all parts have arrived. */
  restore({ version, part, parts, entries }: StatePart): Change {
    this.#latest = Math.max(this.#latest, version);
    const isUseful = version > this.#version || (version === this.#version && this.#cutAt !== undefined);
    if (!isUseful || version < (this.#copy?.version ?? 0)) return { joined: [], left: [], ended: [] };
    const copy = this.#copyOf(version);
    if (!copy.parts.has(part) && this.#copyBytes.take(partBytes)) {
      copy.parts.add(part);
      for (const entry of entries) {
        if (copy.entries.has(entry.ref)) continue;
        if (this.#copyBytes.take(memoryOfEntry(entry))) copy.entries.set(entry.ref, entry);
        else copy.isCut = true;
      }
    }
    return copy.parts.size === parts ? this.#replace(copy) : { joined: [], left: [], ended: [] };
  }

  /** Releases the memory of the copy. */
  clear(): void {
    for (const share of [this.#entryBytes, this.#waitingBytes, this.#copyBytes]) share.clear();
  }

  get #now(): number {
    return timeOf(this.#clock);
  }

  #wait(diff: Diff): void {
    if (this.#waiting.size < maxWaiting && this.#waitingBytes.take(memoryOfDiff(diff)))
      this.#waiting.set(diff.version, diff);
    else this.#excess = true;
  }

  #copyOf(version: number): Copy {
    if (this.#copy?.version === version) return this.#copy;
    this.#endCopy();
    this.#copy = { version, startedAt: this.#now, parts: new Set(), entries: new Map(), isCut: false };
    return this.#copy;
  }

  #endCopy(): void {
    this.#copy = undefined;
    this.#copyBytes.clear();
  }

  #replace({ version, entries, isCut }: Copy): Change {
    this.#endCopy();
    this.#version = version;
    for (const [waiting, diff] of this.#waiting) if (waiting <= version) this.#unwait(diff);
    // The message that ended these entries was lost, so their actors may have ended.
    const ended = [...this.#entries.values()].filter(({ ref }) => !entries.has(ref));
    for (const entry of ended) this.#delete(entry);
    this.#cutAt = undefined;
    if (isCut) this.#cut();
    const joined = [...entries.values()].filter((entry) => this.#add(entry));
    return this.#catchUp({ joined, left: [], ended });
  }

  /** Applies the waiting diffs in order, up to the first missing diff. Extends and returns `change`. */
  #catchUp(change: Change): Change {
    for (;;) {
      const diff = this.#waiting.get(this.#version + 1);
      if (diff === undefined) return change;
      this.#unwait(diff);
      this.#step(diff, change);
    }
  }

  #unwait(diff: Diff): void {
    this.#waiting.delete(diff.version);
    this.#waitingBytes.give(memoryOfDiff(diff));
  }

  #step(diff: Diff, change: Change): void {
    this.#version = diff.version;
    for (const entry of diff.joins) if (this.#add(entry)) change.joined.push(entry);
    this.#take(diff.leaves, change.left);
    this.#take(diff.ended, change.ended);
  }

  /** Returns whether the entry is new, and has found room. */
  #add(entry: Entry): boolean {
    if (this.#entries.has(entry.ref)) return false;
    if (!this.#entryBytes.take(memoryOfEntry(entry))) {
      this.#cut();
      return false;
    }
    this.#entries.set(entry.ref, entry);
    return true;
  }

  #cut(): void {
    this.#cutAt = this.#now;
    this.#excess = true;
  }

  #delete(entry: Entry): void {
    this.#entries.delete(entry.ref);
    this.#entryBytes.give(memoryOfEntry(entry));
  }

  /** Moves the entries with the given refs to `target`. */
  #take(refs: readonly number[], target: Entry[]): void {
    for (const ref of refs) {
      const entry = this.#entries.get(ref);
      if (entry === undefined) continue;
      this.#delete(entry);
      target.push(entry);
    }
  }
}

const memoryOfDiff = ({ joins, leaves, ended }: Diff): number =>
  joins.reduce((sum, entry) => sum + memoryOfEntry(entry), diffBytes) +
  refBytes * (leaves.length + ended.length);
