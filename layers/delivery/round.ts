import type { DeliveryTask } from "./delivery-queue.ts";
import type { TimeSlicer } from "./time-slicer.ts";

/** Those whom something is for: they come and go while it is on its way. */
export interface Recipients<M> {
  readonly isEmpty: boolean;
  /** The number of the one who came last. */
  readonly lastJoin: number;
  /** In the order of their numbers, those who come meanwhile and not those who go. */
  members(): IterableIterator<M>;
  /** Infinite for one who is not in it. */
  joinNumber(member: M): number;
}

/**
 * Goes round with something, to each member of an audience who was in it when it came in and has not left since: once,
 * in the order in which they came.
 */
export abstract class Round<M> implements DeliveryTask {
  abstract readonly bytes: number;
  abstract readonly count: number;
  next: DeliveryTask | undefined = undefined;
  readonly #audience: Recipients<M>;
  readonly #newest: number;
  #rest: IterableIterator<M> | undefined = undefined;
  /** The one who was not given all of it when the time was over. */
  #interrupted: M | undefined = undefined;

  constructor(recipients: Recipients<M>) {
    this.#audience = recipients;
    this.#newest = recipients.lastJoin;
  }

  deliver(slicer: TimeSlicer): boolean {
    // What is still on its way to a group that all have left is not even read.
    if (this.#audience.isEmpty) return true;
    if (this.#rest === undefined) {
      this.#rest = this.#audience.members();
      if (!this.open(slicer)) return true;
    }
    return this.#goOn(this.#rest, slicer);
  }

  /** Whether it could still take something along: it has not set out, and is for those who are there now. */
  protected get isGathering(): boolean {
    return this.#rest === undefined && this.#newest === this.#audience.lastJoin;
  }

  /** Whether `member` was there when it came in, and has not left since. */
  protected isFor(member: M): boolean {
    return this.#audience.joinNumber(member) <= this.#newest;
  }

  /** Called once, before all else. @returns whether there is anything to give. */
  protected abstract open(slicer: TimeSlicer): boolean;

  /** Gives a member what there is, or the rest of it, while there is time. MUST NOT throw. @returns whether that was all. */
  protected abstract give(member: M, slicer: TimeSlicer): boolean;

  #goOn(rest: IterableIterator<M>, slicer: TimeSlicer): boolean {
    const recipients = this.#audience;
    if (this.#interrupted !== undefined && !this.give(this.#interrupted, slicer)) return false;
    this.#interrupted = undefined;
    for (const member of rest) {
      if (recipients.lastJoin !== this.#newest && !this.isFor(member)) break;
      if (!this.give(member, slicer)) {
        this.#interrupted = member;
        return false;
      }
      if (!slicer.hasBudget) return false;
    }
    return true;
  }
}
