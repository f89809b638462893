import type { Delivery } from "../message.ts";
import type { DeliveryTask } from "./delivery-queue.ts";
import { type DeliveryContext, reportInboxError } from "./desk.ts";
import { type TimeSlicer, unitsToRead } from "./time-slicer.ts";

/** What every direct send is delivered with. */
const direct: Delivery = Object.freeze({});

/** A direct send, on its way to one channel of this node. */
export class DirectDelivery implements DeliveryTask {
  readonly count = 1;
  next: DeliveryTask | undefined = undefined;
  readonly #desk: DeliveryContext;
  readonly #topic: string;
  readonly #payload: Uint8Array;

  constructor(desk: DeliveryContext, topic: string, payload: Uint8Array) {
    this.#desk = desk;
    this.#topic = topic;
    this.#payload = payload;
  }

  get bytes(): number {
    return this.#payload.length;
  }

  deliver(slicer: TimeSlicer): boolean {
    const { reader, roster, counters } = this.#desk;
    slicer.charge(unitsToRead(this.#payload.length));
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
      reportInboxError(this.#desk, error, member);
    }
    return true;
  }
}
