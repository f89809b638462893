import type { Gap, Inbox, Mail } from "./contract.ts";
import type { Parcel } from "./delivery-queue.ts";
import type { Slices } from "./slices.ts";

/** Those whom something is for: they come and go while it is on its way. */
export interface Audience<M> {
  readonly isEmpty: boolean;
  has(member: M): boolean;
  /** The number of the one who came last. */
  readonly newest: number;
  /** In the order of their numbers, those who come meanwhile and not those who go. */
  members(): IterableIterator<M>;
  numberOf(member: M): number;
}

/** What is given to each, and to whom not. */
export type Content<M> =
  | { readonly mail: Mail; readonly except: M | undefined }
  | { readonly mail: undefined; readonly except: undefined; readonly gap: Gap };

/** How many that are for the same audience go round together, and up to how many bytes: they are all read before. */
const mostTogether = { rounds: 32, bytes: 64 * 1024 };

/**
 * Goes round with something, to each member of an audience who was in it when it came in and has not left since: once,
 * in the order in which they came.
 *
 * What waits right behind it for the same members goes along: each gets all of it in one turn, and can write it at once.
 */
export abstract class Round<M extends { readonly inbox: Inbox }> implements Parcel {
  abstract readonly bytes: number;
  next: Parcel | undefined = undefined;
  readonly #audience: Audience<M>;
  readonly #newest: number;
  #content: Content<M> | undefined = undefined;
  #rest: IterableIterator<M> | undefined = undefined;
  /** Those that go along. */
  #others: Round<M>[] | undefined = undefined;
  #isDone = false;

  constructor(audience: Audience<M>) {
    this.#audience = audience;
    this.#newest = audience.newest;
  }

  deliver(slices: Slices): boolean {
    const audience = this.#audience;
    // What is still on its way to a group that all have left is not even read.
    if (this.#isDone || audience.isEmpty) return true;
    this.#content ??= this.open(slices);
    if (this.#content === undefined) return true;
    if (this.#rest === undefined) {
      this.#rest = audience.members();
      if (this.next !== undefined) this.#others = this.#gather(slices);
    }
    if (this.#others === undefined) return this.#goOn(this.#content, this.#rest, slices);
    return this.#goOnTogether([this, ...this.#others], this.#rest, slices);
  }

  /** Called once, before all else. Gives nothing if there is nothing to give. */
  protected abstract open(slices: Slices): Content<M> | undefined;

  /** So many inboxes have taken it. */
  protected abstract taken(count: number): void;

  /** An inbox threw. MUST NOT throw. */
  protected abstract failed(error: unknown, member: M): void;

  /** It pays to have all that is looked at for each member in variables: twice that is what an inbox costs that does nothing. */
  #goOn(content: Content<M>, rest: IterableIterator<M>, slices: Slices): boolean {
    const { mail, except } = content;
    const audience = this.#audience;
    const newest = this.#newest;
    // Nobody comes while this runs: to join takes a promise.
    const isJoined = audience.newest !== newest;
    let { unitsLeft } = slices;
    let count = 0;
    let isDone = true;
    for (const member of rest) {
      if (isJoined && audience.numberOf(member) > newest) break;
      if (member === except) continue;
      try {
        if (mail !== undefined) member.inbox.deliver(mail);
        else member.inbox.gap(content.gap);
        count += 1;
      } catch (error) {
        this.failed(error, member);
      }
      unitsLeft -= 1;
      if (unitsLeft > 0) continue;
      isDone = slices.look();
      unitsLeft = slices.unitsLeft;
      if (!isDone) break;
    }
    slices.unitsLeft = unitsLeft;
    this.taken(count);
    return isDone;
  }

  #gather(slices: Slices): Round<M>[] {
    const others: Round<M>[] = [];
    let bytes = this.bytes;
    for (let { next } = this as Parcel; next instanceof Round; next = next.next) {
      const round: Round<M> = next;
      bytes += round.bytes;
      if (round.#audience !== this.#audience || round.#newest !== this.#newest) break;
      if (others.length + 1 === mostTogether.rounds || bytes > mostTogether.bytes) break;
      round.#content = round.open(slices);
      round.#isDone = true;
      others.push(round);
    }
    return others;
  }

  #goOnTogether(rounds: readonly Round<M>[], rest: IterableIterator<M>, slices: Slices): boolean {
    const audience = this.#audience;
    const isJoined = audience.newest !== this.#newest;
    for (const member of rest) {
      if (isJoined && audience.numberOf(member) > this.#newest) break;
      for (const round of rounds) {
        // It may leave on account of one of them.
        if (audience.has(member)) round.#give(member);
      }
      slices.unitsLeft -= rounds.length;
      if (slices.unitsLeft <= 0 && !slices.look()) return false;
    }
    return true;
  }

  #give(member: M): void {
    const content = this.#content;
    if (content === undefined || member === content.except) return;
    try {
      if (content.mail !== undefined) member.inbox.deliver(content.mail);
      else member.inbox.gap(content.gap);
      this.taken(1);
    } catch (error) {
      this.failed(error, member);
    }
  }
}
