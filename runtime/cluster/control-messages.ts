import type { Counters } from "../counters.ts";
import type { Outcome } from "../mailbox/ask-envelope.ts";
import type { Presence } from "../presence/presence.ts";
import type { LocalAsks } from "./local-asks.ts";
import { direct, type MailboxDelivery } from "./mailbox-delivery.ts";
import type { NodeChannel } from "./node-channel.ts";
import type { Nodes } from "./node-registry.ts";
import type { PendingAsks } from "./pending-asks.ts";
import type { ScatterGather } from "./scatter-gather.ts";
import { type Fields, nodeOf, readChannel, readMessage, readText } from "./untrusted.ts";

/** Whom messages of other nodes are for. */
export interface Parts {
  readonly link: NodeChannel;
  readonly nodes: Nodes;
  readonly asks: PendingAsks;
  readonly surveys: ScatterGather;
  readonly questions: LocalAsks;
  readonly presence: Presence;
  readonly post: MailboxDelivery;
  readonly counters: Counters;
}

/** Brings what other nodes say to whom it is for. */
export class Inbound {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Takes what {@link NodeChannel} has got from another node. @returns false for what makes no sense. */
  take(type: string, fields: Fields, from: string): boolean {
    switch (type) {
      case "node":
        return this.#parts.nodes.heard(fields, from);
      case "bye":
        return this.#parts.nodes.parted(from);
      case "send":
        return this.#relay(fields);
      case "ask":
        return this.#answer(fields, from);
      case "answer":
        return this.#unlessLate(this.#parts.asks.answered(fields, from));
      case "survey":
        return this.#parts.surveys.asked(fields, from);
      case "said":
        return this.#unlessLate(this.#parts.surveys.answered(fields, from));
      case "presence":
        return this.#ifKnown(from, (id) => this.#parts.presence.changed(id, fields));
      case "state":
        return this.#ifKnown(from, (id) => this.#parts.presence.restored(id, fields));
      case "resync":
        return this.#ifKnown(from, (id) => {
          this.#parts.presence.requested(id);
          return true;
        });
      default:
        return false;
    }
  }

  #unlessLate(isTaken: boolean | undefined): boolean {
    if (isTaken === undefined) this.#parts.counters.drop("late");
    return isTaken !== false;
  }

  /** What an unknown node says of its presences it says again when it is known. */
  #ifKnown(from: string, take: (id: string) => boolean): boolean {
    const node = this.#parts.nodes.get(nodeOf(from));
    return node?.channel === from ? take(node.id) : true;
  }

  #relay({ channel, message }: Fields): boolean {
    const to = readChannel(channel);
    const inner = readMessage(message);
    if (to === undefined || inner === undefined) return false;
    const inbox = this.#parts.questions.inboxOf(to);
    if (inbox === undefined) this.#parts.counters.drop("dead-letter");
    else this.#parts.post.put(inbox, Object.freeze({ message: inner, delivery: direct }));
    return true;
  }

  #answer({ id, channel, message }: Fields, from: string): boolean {
    const number = readText(id, 20);
    const to = readChannel(channel);
    const inner = readMessage(message);
    if (number === undefined || to === undefined || inner === undefined) return false;
    this.#parts.questions.ask(to, inner, (outcome: Outcome) => {
      this.#parts.link.post(from, "answer", { id: number, ...outcome });
    });
    return true;
  }
}
