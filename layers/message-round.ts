import type { Delivery, Position } from "./contract.ts";
import { type Desk, inboxFailed } from "./desk.ts";
import type { Group, Member } from "./group.ts";
import { type Content, Round } from "./round.ts";
import { type Slices, unitsToRead } from "./slices.ts";

/** A message of a group, on its way to the members of this node. */
export class MessageRound extends Round<Member> {
  readonly #desk: Desk;
  readonly #group: Group;
  readonly #topic: string;
  readonly #payload: Uint8Array;
  readonly #position: Position | undefined;

  constructor(desk: Desk, group: Group, topic: string, payload: Uint8Array, position: Position | undefined) {
    super(group);
    this.#desk = desk;
    this.#group = group;
    this.#topic = topic;
    this.#payload = payload;
    this.#position = position;
  }

  get bytes(): number {
    return this.#payload.length;
  }

  /** Read once for all members, and not before it is their turn: what waits takes no more than its bytes. */
  protected open(slices: Slices): Content<Member> | undefined {
    const { reader, roster } = this.#desk;
    slices.spend(unitsToRead(this.bytes));
    const decoded = reader.read(this.#topic, this.#payload);
    if (decoded === undefined) return undefined;
    const { message, envelope } = decoded;
    const except = envelope?.except === undefined ? undefined : roster.member(envelope.except);
    return { mail: Object.freeze({ message, delivery: this.#delivery }), except };
  }

  protected taken(count: number): void {
    this.#desk.counters.delivered += count;
  }

  protected failed(error: unknown, member: Member): void {
    inboxFailed(this.#desk, error, member);
  }

  get #delivery(): Delivery {
    const { name, delivery } = this.#group;
    const position = this.#position;
    if (position === undefined) return delivery;
    return Object.freeze({ group: name, offset: position.offset, epoch: position.epoch });
  }
}
