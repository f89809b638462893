import type { Entry } from "./entry.ts";

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

/** Maximum number of diffs that wait for an earlier diff that is missing. */
const maxWaiting = 1_000;

/** A copy of another node's entries. Tolerates lost, repeated and reordered messages. */
export class PresenceReplica {
  /** Whether this node has requested the state since the other node's last heartbeat. */
  isRequested = false;
  readonly #entries = new Map<number, Entry>();
  readonly #waiting = new Map<number, Diff>();
  #version = 0;
  #latest = 0;
  #state: { readonly version: number; readonly parts: Map<number, StatePart> } | undefined;

  /** Whether the other node is known to have a newer version of its entries than this copy. */
  get isBehind(): boolean {
    return this.#latest > this.#version;
  }

  get entries(): Iterable<Entry> {
    return this.#entries.values();
  }

  noteVersion(version: number): void {
    this.#latest = Math.max(this.#latest, version);
  }

  apply(diff: Diff): Change {
    this.noteVersion(diff.version);
    if (diff.version > this.#version && this.#waiting.size < maxWaiting) {
      this.#waiting.set(diff.version, diff);
    }
    return this.#catchUp({ joined: [], left: [], ended: [] });
  }

  /** Adds one part of a full copy of the state. Applies the copy when all parts have arrived. */
  restore(part: StatePart): Change {
    const { version, parts: count } = part;
    this.noteVersion(version);
    if (version > this.#version && version >= (this.#state?.version ?? 0)) {
      if (this.#state?.version !== version) this.#state = { version, parts: new Map() };
      this.#state.parts.set(part.part, part);
      if (this.#state.parts.size === count) return this.#replace(version, [...this.#state.parts.values()]);
    }
    return { joined: [], left: [], ended: [] };
  }

  #replace(version: number, parts: readonly StatePart[]): Change {
    this.#state = undefined;
    this.#version = version;
    for (const waiting of this.#waiting.keys()) if (waiting <= version) this.#waiting.delete(waiting);
    const entries = new Map(
      parts.flatMap((part) => part.entries.map((entry) => [entry.ref, entry] as const)),
    );
    // The message that ended these entries was lost, so their actors may have ended.
    const ended = [...this.#entries.values()].filter(({ ref }) => !entries.has(ref));
    const joined = [...entries.values()].filter(({ ref }) => !this.#entries.has(ref));
    for (const { ref } of ended) this.#entries.delete(ref);
    for (const entry of joined) this.#entries.set(entry.ref, entry);
    return this.#catchUp({ joined, left: [], ended });
  }

  /** Applies the waiting diffs in order, up to the first missing diff. Extends and returns `change`. */
  #catchUp(change: Change): Change {
    for (;;) {
      const diff = this.#waiting.get(this.#version + 1);
      if (diff === undefined) return change;
      this.#waiting.delete(diff.version);
      this.#version = diff.version;
      for (const entry of diff.joins) {
        if (this.#entries.has(entry.ref)) continue;
        this.#entries.set(entry.ref, entry);
        change.joined.push(entry);
      }
      this.#take(diff.leaves, change.left);
      this.#take(diff.ended, change.ended);
    }
  }

  /** Moves the entries with the given refs to `target`. */
  #take(refs: readonly number[], target: Entry[]): void {
    for (const ref of refs) {
      const entry = this.#entries.get(ref);
      if (entry === undefined) continue;
      this.#entries.delete(ref);
      target.push(entry);
    }
  }
}
