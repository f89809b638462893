import { Violation } from "./violation.ts";

/** Judges relayed messages: each arrives once and in order, or a gap is announced. */
export class Relays {
  /** The position of the next message; undefined if the client knows of no membership. */
  #next: { readonly epoch: number; readonly offset: number } | undefined;
  #isGapAnnounced = false;
  /** The offset at which each user has entered the group, for each epoch. */
  readonly #entered = new Map<string, number>();
  /** Whether the client has asked for messages that it has received. */
  hasLied = false;

  enters(user: string, epoch: number, offset: number): void {
    const key = `${user} ${epoch}`;
    if (!this.#entered.has(key)) this.#entered.set(key, offset);
  }

  /** The client is told of a membership that begins at `offset`. A gap before it ends there. */
  joined(epoch: number, offset: number): void {
    if (this.#next === undefined || this.#isGapAnnounced) this.#next = { epoch, offset: offset + 1 };
    this.#isGapAnnounced = false;
  }

  /** A session begins that does not continue a membership. */
  forget(): void {
    this.#next = undefined;
  }

  announceGap(): void {
    this.#isGapAnnounced = true;
  }

  given(user: string, epoch: number, offset: number): void {
    const entered = this.#entered.get(`${user} ${epoch}`) ?? 0;
    if (offset <= entered) throw new Violation("a client gets only messages of its membership");
    const next = this.#next;
    if (next !== undefined && !this.hasLied) {
      const isSame = epoch === next.epoch;
      if (isSame && offset < next.offset) throw new Violation("a message is relayed once and in order");
      if (!(isSame && offset === next.offset) && !this.#isGapAnnounced)
        throw new Violation("the loss of messages is announced");
    }
    this.#next = { epoch, offset: offset + 1 };
    this.#isGapAnnounced = false;
  }

  /** The client has received all messages. */
  rests(epoch: number, last: number): void {
    if (this.#isGapAnnounced || this.#next === undefined || this.hasLied) return;
    const isComplete = this.#next.epoch === epoch && this.#next.offset === last + 1;
    if (!isComplete) throw new Violation("all messages of the group arrive");
  }
}
