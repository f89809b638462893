import type { Delivery, Inbox } from "../message.ts";
import type { Recipients } from "./round.ts";
import type { SmallMap } from "./small-map.ts";
import type { Subscription } from "./subscription.ts";

/** One channel of this node: its inbox, and the groups that it is in or on its way into. */
export interface Member {
  readonly channel: string;
  readonly inbox: Inbox;
  /**
   * Each group with the promise of being in it, which tells one join from a later one; or, once it is in, with the
   * number of the join: so a member costs its group no promise.
   */
  readonly joins: SmallMap<Group, Promise<void> | number>;
}

/**
 * The members that a group has on this node.
 *
 * It holds the members themselves, not their names: a message goes to a thousand of them without a look-up or an
 * allocation for each.
 */
export class Group implements Recipients<Member> {
  readonly name: string;
  /** What a message of this group is delivered with where the layer keeps no history. */
  readonly delivery: Delivery;
  readonly #subscription: Subscription;
  readonly #members = new Set<Member>();
  #newest = 0;
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
    return this.#newest;
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
    if (this.#subscription.hold()) {
      this.#enter(member);
      return undefined;
    }
    const join = this.#subscription.acquire().then(
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
    this.#newest += 1;
    this.#members.add(member);
    member.joins.set(this, this.#newest);
  }

  /** From this call on, `member` gets nothing. Resolves once the node has unsubscribed; undefined if it need not. */
  leave(member: Member): Promise<void> | undefined {
    if (!member.joins.delete(this)) return undefined;
    this.#members.delete(member);
    this.departures += 1;
    return this.#subscription.release();
  }

  /** All are out at once, and nothing is given to them any more; the subscription is left as it is. */
  clear(): void {
    this.#members.clear();
    this.departures += 1;
  }
}
