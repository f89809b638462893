import type { Delivery, Inbox } from "../message.ts";
import type { SmallMap } from "./small-map.ts";
import type { Subscription } from "./subscription.ts";

/** A channel of this node. */
export interface Member {
  readonly channel: string;
  readonly inbox: Inbox;
  /**
   * By group: the promise of a join that is under way, which tells it from a later one. Once the member is in, the
   * number of the join, which costs no promise.
   */
  readonly joins: SmallMap<Group, Promise<void> | number>;
}

/** The members that something is delivered to. They may join and leave meanwhile. */
export interface Recipients {
  readonly isEmpty: boolean;
  /** The number of the latest join. */
  readonly lastJoin: number;
  /** In the order of joins. Includes members that join during the iteration, and skips those that leave. */
  members(): IterableIterator<Member>;
  /** Infinite if `member` is not one of them. */
  joinNumber(member: Member): number;
}

/**
 * The members that a group has on this node.
 *
 * Holds the members themselves, not their names, so that a message to a thousand members takes no look-up and no
 * allocation for each of them.
 */
export class Group implements Recipients {
  readonly name: string;
  /** The `delivery` of this group's messages if the layer keeps no history. */
  readonly delivery: Delivery;
  readonly #subscription: Subscription;
  readonly #members = new Set<Member>();
  #lastJoin = 0;
  /** How often members have left. */
  departures = 0;

  constructor(name: string, subscription: Subscription) {
    this.name = name;
    this.delivery = Object.freeze({ group: name });
    this.#subscription = subscription;
  }

  members(): IterableIterator<Member> {
    return this.#members.values();
  }

  get lastJoin(): number {
    return this.#lastJoin;
  }

  joinNumber(member: Member): number {
    const join = this.#members.has(member) ? member.joins.get(this) : undefined;
    return typeof join === "number" ? join : Number.POSITIVE_INFINITY;
  }

  get isEmpty(): boolean {
    return this.#members.size === 0;
  }

  /**
   * Resolves once `member` is in, or at once without effect if it has left in the meantime; undefined if it is in when
   * this returns. Rejects, and leaves no trace of `member`, if the group cannot be subscribed to.
   */
  join(member: Member): Promise<void> | undefined {
    const present = member.joins.get(this);
    if (present !== undefined) return typeof present === "number" ? undefined : present;
    const subscribed = this.#subscription.acquire();
    if (subscribed === undefined) {
      this.#enter(member);
      return undefined;
    }
    const join = subscribed.then(
      () => {
        if (member.joins.get(this) !== join) return;
        this.#enter(member);
      },
      (error: unknown) => {
        if (member.joins.get(this) === join) void this.leave(member);
        throw error;
      },
    );
    member.joins.set(this, join);
    return join;
  }

  #enter(member: Member): void {
    this.#lastJoin += 1;
    this.#members.add(member);
    member.joins.set(this, this.#lastJoin);
  }

  /** Delivers nothing to `member` any more. Resolves once the node has unsubscribed; undefined if it need not. */
  leave(member: Member): Promise<void> | undefined {
    if (!member.joins.delete(this)) return undefined;
    this.#members.delete(member);
    this.departures += 1;
    return this.#subscription.release();
  }

  /** Removes all members and delivers nothing to them any more. Keeps the subscription. */
  clear(): void {
    this.#members.clear();
    this.departures += 1;
  }
}
