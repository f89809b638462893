import type { Delivery, Inbox } from "./contract.ts";
import type { FewMap } from "./few-map.ts";
import type { Subscription } from "./subscription.ts";

/** One channel of this node: its inbox, and the groups that it is in or on its way into. */
export interface Member {
  readonly channel: string;
  readonly inbox: Inbox;
  /** Each group with the promise of being in it. Which promise it is tells one join from a later one. */
  readonly joins: FewMap<Group, Promise<void>>;
}

/** What every join that is done shares, so that a member costs its group no promise. */
const joined = Promise.resolve();

/**
 * The members that a group has on this node.
 *
 * It holds the members themselves, not their names: a message goes to a thousand of them without a look-up or an
 * allocation for each.
 */
export class Group {
  readonly name: string;
  /** What a message of this group is delivered with where the layer keeps no history. */
  readonly delivery: Delivery;
  readonly #subscription: Subscription;
  readonly #members = new Set<Member>();

  constructor(name: string, subscription: Subscription) {
    this.name = name;
    this.delivery = Object.freeze({ group: name });
    this.#subscription = subscription;
  }

  get members(): Iterable<Member> {
    return this.#members;
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
    if (present !== undefined) return present;
    if (this.#subscription.hold()) {
      this.#members.add(member);
      member.joins.set(this, joined);
      return undefined;
    }
    const join = this.#subscription.acquire().then(
      () => {
        if (member.joins.get(this) !== join) return;
        this.#members.add(member);
        member.joins.set(this, joined);
      },
      (error: unknown) => {
        if (member.joins.get(this) === join) void this.leave(member);
        throw error;
      },
    );
    member.joins.set(this, join);
    return join;
  }

  /** From this call on, `member` gets nothing. Resolves once the node has unsubscribed; undefined if it need not. */
  leave(member: Member): Promise<void> | undefined {
    if (!member.joins.delete(this)) return undefined;
    this.#members.delete(member);
    return this.#subscription.release();
  }

  /** Calls `put` for each member but `except`, and goes on where it throws. @returns how often it did not. */
  each(
    put: (inbox: Inbox) => void,
    except: Member | undefined,
    failed: (error: unknown, member: Member) => void,
  ): number {
    let count = 0;
    for (const member of this.#members) {
      if (member === except) continue;
      try {
        put(member.inbox);
        count += 1;
      } catch (error) {
        failed(error, member);
      }
    }
    return count;
  }
}
