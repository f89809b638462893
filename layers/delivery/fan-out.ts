import type { Delivery, Mail, Position } from "../message.ts";
import { type DeliveryContext, reportInboxError } from "./desk.ts";
import type { Group, Member } from "./group.ts";
import { Round } from "./round.ts";
import { type TimeSlicer, unitsToRead } from "./time-slicer.ts";

interface Arrival {
  readonly payload: Uint8Array;
  readonly position: Position | undefined;
}

interface Addressed {
  readonly mail: Mail;
  readonly except: Member | undefined;
}

/** How much goes round at once: so much at most is read before anything is given. */
const most = { messages: 64, bytes: 64 * 1024 };

/**
 * Messages of a group that came in one after the other, on their way to the members of this node. Each member is given all of
 * them before the next one: what a member consists of is looked for in the memory once for all, and not for each message.
 */
export class MessageRound extends Round<Member> {
  readonly group: Group;
  readonly #desk: DeliveryContext;
  readonly #topic: string;
  readonly #arrivals: Arrival[] = [];
  #bytes = 0;
  #mails: readonly Addressed[] = [];
  #slices: TimeSlicer | undefined;
  /** Whose turn it is, how many of them it has been given, and how often members had left when its turn came. */
  #member: Member | undefined;
  #given = 0;
  #departures = 0;

  constructor(desk: DeliveryContext, group: Group, topic: string) {
    super(group);
    this.group = group;
    this.#desk = desk;
    this.#topic = topic;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get count(): number {
    return this.#arrivals.length;
  }

  /** Takes a message along, behind the others. @returns false if it has set out, has enough, or would be for others. */
  take(payload: Uint8Array, position: Position | undefined): boolean {
    if (!this.isGathering || this.count === most.messages) return false;
    if (this.count > 0 && this.#bytes + payload.length > most.bytes) return false;
    this.#arrivals.push({ payload, position });
    this.#bytes += payload.length;
    return true;
  }

  /** They are read once for all members, and not before it is their turn: what waits takes no more than its bytes. */
  protected open(slicer: TimeSlicer): boolean {
    this.#mails = this.#arrivals.flatMap((arrival) => {
      slicer.charge(unitsToRead(arrival.payload.length));
      return this.#read(arrival) ?? [];
    });
    return this.#mails.length > 0;
  }

  protected give(member: Member, slicer: TimeSlicer): boolean {
    if (this.#member !== member) {
      this.#member = member;
      this.#given = 0;
      this.#departures = this.group.departures;
    }
    this.#slices = slicer;
    if (this.#mails.length > 1) this.#giveTogether(member);
    // Also what an inbox has not called for.
    this.#giveRest();
    return this.#given === this.#mails.length;
  }

  #giveTogether(member: Member): void {
    try {
      member.inbox.together?.(this.#giveRest);
    } catch (error) {
      reportInboxError(this.#desk, error, member);
    }
  }

  /** Gives the member whose turn it is what it has not been given yet, while there is time. */
  readonly #giveRest = (): void => {
    const member = this.#member as Member;
    const slicer = this.#slices as TimeSlicer;
    const mails = this.#mails;
    while (this.#given < mails.length && slicer.hasBudget) {
      // Given one of them, or meanwhile, it may have left.
      if (this.group.departures !== this.#departures && !this.isFor(member)) {
        this.#given = mails.length;
        return;
      }
      this.#deliver(member, mails[this.#given] as Addressed);
      this.#given += 1;
      slicer.charge(1);
    }
  };

  #deliver(member: Member, { mail, except }: Addressed): void {
    if (member === except) return;
    try {
      member.inbox.deliver(mail);
      this.#desk.counters.delivered += 1;
    } catch (error) {
      reportInboxError(this.#desk, error, member);
    }
  }

  #read({ payload, position }: Arrival): Addressed | undefined {
    const { reader, roster } = this.#desk;
    const decoded = reader.read(this.#topic, payload);
    if (decoded === undefined) return undefined;
    const { message, envelope } = decoded;
    const except = envelope?.except === undefined ? undefined : roster.member(envelope.except);
    return { mail: Object.freeze({ message, delivery: deliveryOf(this.group, position) }), except };
  }
}

function deliveryOf({ name, delivery }: Group, position: Position | undefined): Delivery {
  if (position === undefined) return delivery;
  return Object.freeze({ group: name, offset: position.offset, epoch: position.epoch });
}
