import type { Delivery } from "../message.ts";
import type { Parcel } from "./delivery-queue.ts";
import { type Desk, inboxFailed } from "./desk.ts";
import { type Slices, unitsToRead } from "./time-slicer.ts";

/** What every direct send is delivered with. */
const direct: Delivery = Object.freeze({});

/** A direct send, on its way to one channel of this node. */
export class DirectParcel implements Parcel {
  readonly count = 1;
  next: Parcel | undefined = undefined;
  readonly #desk: Desk;
  readonly #topic: string;
  readonly #payload: Uint8Array;

  constructor(desk: Desk, topic: string, payload: Uint8Array) {
    this.#desk = desk;
    this.#topic = topic;
    this.#payload = payload;
  }

  get bytes(): number {
    return this.#payload.length;
  }

  deliver(slices: Slices): boolean {
    const { reader, roster, counters } = this.#desk;
    slices.spend(unitsToRead(this.#payload.length));
    const decoded = reader.read(this.#topic, this.#payload);
    if (decoded === undefined) return true;
    const { message, envelope } = decoded;
    const member = envelope?.to === undefined ? undefined : roster.member(envelope.to);
    if (member === undefined) {
      counters.drop("no-channel");
      return true;
    }
    try {
      member.inbox.deliver(Object.freeze({ message, delivery: direct }));
      counters.delivered += 1;
    } catch (error) {
      inboxFailed(this.#desk, error, member);
    }
    return true;
  }
}
