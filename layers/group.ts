import type { Delivery, Inbox } from "./contract.ts";
import type { Audience } from "./round.ts";
import type { Subscription } from "./subscription.ts";

/** One channel of this node: its inbox, and the groups that it is in or on its way into. */
export interface Member {
  readonly channel: string;
  readonly inbox: Inbox;
  /**
   * Each group with the promise of being in it, which tells one join from a later one; or, once it is in, with the
   * number of the join: so a member costs its group no promise.
   */
  readonly joins: Map<Group, Promise<void> | number>;
}

/**
 * The members that a group has on this node.
 *
 * It holds the members themselves, not their names: a message goes to a thousand of them without a look-up or an
 * allocation for each.
 */
export class Group implements Audience<Member> {
  readonly name: string;
  /** What a message of this group is delivered with where the layer keeps no history. */
  readonly delivery: Delivery;
  readonly #subscription: Subscription;
  readonly #members = new Set<Member>();
  #newest = 0;

  constructor(name: string, subscription: Subscription) {
    this.name = name;
    this.delivery = Object.freeze({ group: name });
    this.#subscription = subscription;
  }

  members(): IterableIterator<Member> {
    return this.#members.values();
  }

  has(member: Member): boolean {
    return this.#members.has(member);
  }

  get newest(): number {
    return this.#newest;
  }

  numberOf({ joins }: Member): number {
    const join = joins.get(this);
    return typeof join === "number" ? join : Number.POSITIVE_INFINITY;
  }

  get isEmpty(): boolean {
    return this.#members.size === 0;
  }

  /**
   * Resolves once `member` is in, or at once without effect if it has left in the meantime. Rejects, and leaves no
   * trace of `member`, if the group cannot be subscribed to.
   */
  join(member: Member): Promise<void> {
    const present = member.joins.get(this);
    if (present !== undefined) return typeof present === "number" ? Promise.resolve() : present;
    const join = this.#subscription.acquire().then(
      () => {
        if (member.joins.get(this) !== join) return;
        this.#newest += 1;
        this.#members.add(member);
        member.joins.set(this, this.#newest);
      },
      (error: unknown) => {
        if (member.joins.get(this) === join) void this.leave(member);
        throw error;
      },
    );
    member.joins.set(this, join);
    return join;
  }

  /** From this call on, `member` gets nothing. Resolves once the node has unsubscribed, if it was the last. */
  leave(member: Member): Promise<void> {
    if (!member.joins.delete(this)) return Promise.resolve();
    this.#members.delete(member);
    return this.#subscription.release();
  }

  /** All are out at once, and nothing is given to them any more; the subscription is left as it is. */
  clear(): void {
    this.#members.clear();
  }
}
