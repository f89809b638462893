import type { Delivery, Inbox } from "../message.ts";
import type { SmallMap } from "./small-map.ts";
import type { Subscription } from "./subscription.ts";

export interface Member {
  readonly channel: string;
  readonly inbox: Inbox;
  /** By group: the number of the join, or its promise while it is pending. */
  readonly joins: SmallMap<Group, Promise<void> | number>;
}

/** The members that a message or gap is delivered to. They may join and leave meanwhile. */
export interface Recipients {
  readonly isEmpty: boolean;
  readonly lastJoin: number;
  /** In the order of joins. Includes members that join during the iteration, and skips those that leave. */
  members(): IterableIterator<Member>;
  /** Infinite if `member` is not a recipient. */
  joinNumber(member: Member): number;
}

/**
 * The members that a group has on this node.
 *
 * Holds members instead of names, so that delivery needs no look-up and no allocation per member.
 */
export class Group implements Recipients {
  readonly name: string;
  /** The `delivery` of this group's messages if the layer keeps no history. */
  readonly delivery: Delivery;
  readonly #subscription: Subscription;
  readonly #members = new Set<Member>();
  #lastJoin = 0;
  /** The number of times that a member has left. */
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
   * Resolves once `member` is in the group or has left again; undefined if it is in the group on return.
   * Rejects, without a trace of `member`, if the group cannot be subscribed.
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

  /** Stops delivery to `member`. Resolves once the node has unsubscribed; undefined if it need not. */
  leave(member: Member): Promise<void> | undefined {
    if (!member.joins.delete(this)) return undefined;
    this.#members.delete(member);
    this.departures += 1;
    return this.#subscription.release();
  }

  /** Removes all members at once but keeps the subscription. */
  clear(): void {
    this.#members.clear();
    this.departures += 1;
  }
}
