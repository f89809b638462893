import { type Decoded, decode, isRefusedType } from "./codec.ts";
import type { BackendListener, Delivery, ErrorListener, Gap, Position } from "./contract.ts";
import type { Counters } from "./counters.ts";
import type { Group, Member } from "./group.ts";
import type { Roster } from "./roster.ts";
import type { Sealing } from "./sealing.ts";

/** What every direct send is delivered with. */
const direct: Delivery = Object.freeze({});
/** What every channel of a node is told when direct sends may have been lost. */
const directGap: Gap = Object.freeze({});

/** Takes what a backend hands to a node, and puts it into the inboxes that it is for. It never throws. */
export class Receiver implements BackendListener {
  readonly #ownTopic: string;
  readonly #roster: Roster;
  readonly #counters: Counters;
  readonly #report: ErrorListener;
  readonly #sealing: Sealing;

  /** @param ownTopic where the direct sends for this node's channels come in. */
  constructor(ownTopic: string, roster: Roster, counters: Counters, report: ErrorListener, sealing: Sealing) {
    this.#ownTopic = ownTopic;
    this.#roster = roster;
    this.#counters = counters;
    this.#report = report;
    this.#sealing = sealing;
  }

  payload(topic: string, payload: Uint8Array, position?: Position): void {
    this.#counters.received += 1;
    if (topic === this.#ownTopic) {
      const decoded = this.decode(topic, payload);
      if (decoded !== undefined) this.#deliverDirect(decoded);
      return;
    }
    const group = this.#roster.groupAt(topic);
    // What is still on its way to a group that all have left is not even decoded.
    if (group === undefined || group.isEmpty) return;
    const decoded = this.decode(topic, payload);
    if (decoded !== undefined) this.#deliverToGroup(group, decoded, deliveryOf(group, position));
  }

  gap(topic: string, range?: { readonly from?: number; readonly to?: number }): void {
    if (topic === this.#ownTopic) {
      this.#tellDirectGap();
      return;
    }
    const group = this.#roster.groupAt(topic);
    if (group === undefined) return;
    const gap = Object.freeze({ group: group.name, ...range });
    group.each(
      (inbox) => inbox.gap(gap),
      undefined,
      (error, member) => this.#report(error, { stage: "layer", channel: member.channel, group: group.name }),
    );
  }

  error(error: Error): void {
    this.#report(error, { stage: "layer" });
  }

  /** Reads a payload, once for all members. Gives nothing for what had to be dropped, which is counted. */
  decode(topic: string, sealed: Uint8Array): Decoded | undefined {
    const payload = this.#sealing.open(sealed);
    if (payload === undefined) {
      this.#counters.drop("undecryptable");
      this.#report(new Error(`What arrived on "${topic}" cannot be decrypted with the keys of this layer.`), {
        stage: "layer",
      });
      return undefined;
    }
    let decoded: Decoded;
    try {
      decoded = decode(payload);
    } catch (error) {
      this.#counters.drop("garbage");
      this.#report(new Error(`What arrived on "${topic}" is no message.`, { cause: error }), {
        stage: "layer",
      });
      return undefined;
    }
    if (!isRefusedType(decoded.message.type)) return decoded;
    this.#counters.drop("refused-type");
    return undefined;
  }

  #tellDirectGap(): void {
    for (const { channel, inbox } of this.#roster.members()) {
      try {
        inbox.gap(directGap);
      } catch (error) {
        this.#report(error, { stage: "layer", channel });
      }
    }
  }

  #deliverDirect({ message, envelope }: Decoded): void {
    const member = envelope?.to === undefined ? undefined : this.#roster.member(envelope.to);
    if (member === undefined) {
      this.#counters.drop("no-channel");
      return;
    }
    try {
      member.inbox.deliver(Object.freeze({ message, delivery: direct }));
      this.#counters.delivered += 1;
    } catch (error) {
      this.#inboxFailed(error, member);
    }
  }

  #deliverToGroup(group: Group, { message, envelope }: Decoded, delivery: Delivery): void {
    const mail = Object.freeze({ message, delivery });
    const except = envelope?.except === undefined ? undefined : this.#roster.member(envelope.except);
    this.#counters.delivered += group.each(
      (inbox) => inbox.deliver(mail),
      except,
      (error, member) => this.#inboxFailed(error, member),
    );
  }

  #inboxFailed(error: unknown, { channel }: Member): void {
    this.#counters.drop("inbox-error");
    this.#report(error, { stage: "layer", channel });
  }
}

function deliveryOf({ name, delivery }: Group, position: Position | undefined): Delivery {
  if (position === undefined) return delivery;
  return Object.freeze({ group: name, offset: position.offset, epoch: position.epoch });
}
