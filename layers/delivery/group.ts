import type { Delivery, Inbox } from "../message.ts";
import type { DeliveryQueue } from "./delivery-queue.ts";
import type { SmallMap } from "./small-map.ts";
import type { Subscription } from "./subscription.ts";

export interface Member {
  readonly channel: string;
  readonly inbox: Inbox;
  /** For each group, the number of the join, or the promise of a pending join. */
  readonly joins: SmallMap<Group, Promise<void> | number>;
}

/** The members that receive a message or gap. Members can join and leave during the delivery. */
export interface Recipients {
  readonly isEmpty: boolean;
  readonly lastJoin: number;
  /** Iterates in join order. Includes members that join meanwhile, and skips members that leave. */
  members(): IterableIterator<Member>;
  /** @returns the number of `member`'s join. Infinite if `member` is not a recipient. */
  joinNumber(member: Member): number;
}

/** The members of a group on this node. They are objects, not names, so that delivery needs no look-up. */
export class Group implements Recipients {
  readonly name: string;
  /** The `delivery` of this group's messages if the layer keeps no history. */
  readonly delivery: Delivery;
  readonly #subscription: Subscription;
  readonly #members = new Set<Member>();
  #lastJoin = 0;
  /** The number of times that a member has left. */
  departures = 0;
  /** The deliveries to this group. Created by the first one. */
  deliveries: DeliveryQueue | undefined;

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
   * Adds `member`. Returns undefined if `member` is in the group on return. Otherwise, resolves once `member`
   * is in the group or has left again, and rejects if the group cannot be subscribed.
   *
   * @param onEnter called when `member` enters the group, before it receives anything. Not called if `member` has
   *   joined before.
   */
  join(member: Member, onEnter?: () => void): Promise<void> | undefined {
    const present = member.joins.get(this);
    if (present !== undefined) return typeof present === "number" ? undefined : present;
    const subscribed = this.#subscription.acquire();
    if (subscribed === undefined) {
      this.#enter(member);
      onEnter?.();
      return undefined;
    }
    const join = subscribed.then(
      () => {
        if (member.joins.get(this) !== join) return;
        this.#enter(member);
        onEnter?.();
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

  /** Removes `member` immediately. Returns undefined if the group does not have to be unsubscribed. */
  leave(member: Member): Promise<void> | undefined {
    if (!member.joins.delete(this)) return undefined;
    this.#members.delete(member);
    this.departures += 1;
    return this.#subscription.release();
  }

  /** Removes all members immediately but keeps the subscription. */
  clear(): void {
    this.#members.clear();
    this.departures += 1;
  }
}
