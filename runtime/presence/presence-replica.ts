import type { Entry } from "./presence-view.ts";

/** A step from one version of a node's entries to the next. */
export interface Diff {
  readonly version: number;
  readonly joins: readonly Entry[];
  readonly leaves: readonly number[];
}

/** What a step changed here. */
export interface Change {
  readonly joined: readonly Entry[];
  readonly left: readonly Entry[];
}

/** A part of all entries of a node at one version. */
export interface StatePart {
  readonly version: number;
  readonly part: number;
  readonly parts: number;
  readonly entries: readonly Entry[];
}

/** How many steps are kept that cannot be made yet. */
const mostWaiting = 1_000;

/**
 * The entries of another node, as far as they are known here. Steps are made in order and once each; where one is missing,
 * the replica is behind, until it gets the whole state. So it ends up as the node's own entries are, whatever was lost,
 * repeated, or came in another order.
 */
export class PresenceReplica {
  readonly #entries = new Map<number, Entry>();
  readonly #waiting = new Map<number, Diff>();
  #version = 0;
  #newest = 0;
  #parts:
    | { readonly version: number; readonly count: number; readonly got: Map<number, StatePart> }
    | undefined;

  /** Whether something of the node has not arrived. */
  get isBehind(): boolean {
    return this.#newest > this.#version;
  }

  get entries(): Iterable<Entry> {
    return this.#entries.values();
  }

  /** The node is at this version. */
  heard(version: number): void {
    this.#newest = Math.max(this.#newest, version);
  }

  apply(diff: Diff): Change {
    this.heard(diff.version);
    if (diff.version > this.#version && this.#waiting.size < mostWaiting) {
      this.#waiting.set(diff.version, diff);
    }
    return this.#catchUp({ joined: [], left: [] });
  }

  /** Takes part of the whole state, which counts once all parts are there. */
  restore(state: StatePart): Change {
    const none = { joined: [], left: [] };
    this.heard(state.version);
    if (state.version <= this.#version || state.version < (this.#parts?.version ?? 0)) return none;
    if (this.#parts?.version !== state.version || this.#parts.count !== state.parts) {
      this.#parts = { version: state.version, count: state.parts, got: new Map() };
    }
    this.#parts.got.set(state.part, state);
    if (this.#parts.got.size < state.parts) return none;
    const entries = new Map(
      [...this.#parts.got.values()].flatMap((part) =>
        part.entries.map((entry) => [entry.ref, entry] as const),
      ),
    );
    this.#parts = undefined;
    this.#version = state.version;
    return this.#catchUp(this.#replace(entries));
  }

  #replace(entries: ReadonlyMap<number, Entry>): Change {
    const left = [...this.#entries.values()].filter(({ ref }) => !entries.has(ref));
    const joined = [...entries.values()].filter(({ ref }) => !this.#entries.has(ref));
    for (const { ref } of left) this.#entries.delete(ref);
    for (const entry of joined) this.#entries.set(entry.ref, entry);
    return { joined, left };
  }

  /** Makes the steps that can be made now. */
  #catchUp({ joined, left }: Change): Change {
    const allJoined = [...joined];
    const allLeft = [...left];
    for (const version of this.#waiting.keys()) {
      if (version <= this.#version) this.#waiting.delete(version);
    }
    for (let diff = this.#next(); diff !== undefined; diff = this.#next()) {
      this.#version = diff.version;
      for (const entry of diff.joins) {
        if (this.#entries.has(entry.ref)) continue;
        this.#entries.set(entry.ref, entry);
        allJoined.push(entry);
      }
      for (const ref of diff.leaves) {
        const entry = this.#entries.get(ref);
        if (entry === undefined) continue;
        this.#entries.delete(ref);
        allLeft.push(entry);
      }
    }
    return { joined: allJoined, left: allLeft };
  }

  #next(): Diff | undefined {
    const version = this.#version + 1;
    const diff = this.#waiting.get(version);
    this.#waiting.delete(version);
    return diff;
  }
}
