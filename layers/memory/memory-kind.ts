import type { Member, Membership } from "../state-backend.ts";

interface MemberRecord {
  readonly member: Member;
  /** The end of the lease, in milliseconds of the store's clock. */
  until: number;
  /** Returns whether the node listens to the topic `members`. */
  readonly listens: () => boolean;
}

/** The nodes of a kind of named actors on a `MemoryBus`. */
export class MemoryKind {
  /** The number of partitions. Undefined before the first use. */
  partitions: number | undefined;
  /** The highest version that has owned a partition, by index. Version 1 is left out. */
  readonly versions = new Map<number, number>();
  readonly #members = new Map<string, MemberRecord>();
  readonly #publish: () => void;
  #lastBeat = Number.POSITIVE_INFINITY;

  /** @param publish publishes `members`. */
  constructor(publish: () => void) {
    this.#publish = publish;
  }

  get membership(): Membership {
    const present = [...this.#members.values()].filter(({ listens }) => listens());
    return { members: present.map(({ member }) => member), versions: new Map(this.versions) };
  }

  /** Renews a membership at the time `now`, and removes the members that are gone. */
  beat(member: Member, leaseMs: number, now: number, listens: () => boolean): Membership {
    this.#forgiveGap(now, leaseMs);
    const isNew = !this.#members.has(member.node);
    this.#members.set(member.node, { member, until: now + leaseMs, listens });
    const { size } = this.#members;
    for (const [node, { until, listens }] of this.#members) {
      if (node !== member.node && (until <= now || !listens())) this.#members.delete(node);
    }
    if (isNew || this.#members.size < size) this.#publish();
    return { ...this.membership, members: [...this.#members.values()].map(({ member }) => member) };
  }

  leave(node: string): void {
    this.#members.delete(node);
    this.#publish();
  }

  /** A time without any beat counts for no lease: the process was blocked, or a spec has advanced the clock. */
  #forgiveGap(now: number, leaseMs: number): void {
    const gap = now - this.#lastBeat;
    this.#lastBeat = now;
    if (gap <= leaseMs / 2) return;
    for (const record of this.#members.values()) record.until += gap;
  }
}
