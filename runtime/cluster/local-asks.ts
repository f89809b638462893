import type { ChannelLayer } from "../../layers/channel-layer.ts";
import type { Clock } from "../../layers/clock.ts";
import type { Inbox, Message } from "../../layers/message.ts";
import { decode, encode } from "../../layers/wire/codec.ts";
import { Deadline } from "../deadline.ts";
import { failureText, isActorInbox, type Outcome } from "../mailbox/ask-envelope.ts";
import { direct, type MailboxDelivery } from "./mailbox-delivery.ts";
import { longestValue } from "./through-codec.ts";
import { nodeOf } from "./untrusted.ts";

/** What one member of a group had to say. */
export type MemberAnswer = { readonly channel: string } & (
  | { readonly value: unknown }
  | { readonly failed: string }
);

/** Puts questions to the actors of this node. */
export class LocalAsks {
  readonly #layers: readonly ChannelLayer[];
  readonly #post: MailboxDelivery;
  readonly #clock: Clock;

  /** @param layers all whose channels are actors' here. */
  constructor(layers: readonly ChannelLayer[], post: MailboxDelivery, clock: Clock) {
    this.#layers = layers;
    this.#post = post;
    this.#clock = clock;
  }

  /** Whether a channel is, or was, one of this node. */
  owns(channel: string): boolean {
    const node = nodeOf(channel);
    return this.#layers.some((layer) => layer.node === node);
  }

  inboxOf(channel: string): Inbox | undefined {
    const node = nodeOf(channel);
    return this.#layers.find((layer) => layer.node === node)?.local.member(channel)?.inbox;
  }

  /** @param reply called once, later: with an answer as it would arrive from another node, or why there is none. */
  ask(channel: string, message: Message, reply: (outcome: Outcome) => void): void {
    const inbox = this.inboxOf(channel);
    if (inbox === undefined) reply({ absent: "there is no such actor on its node, or no longer." });
    else if (!isActorInbox(inbox)) reply({ absent: "it is not the channel of an actor." });
    else this.put(inbox, message, reply);
  }

  put(inbox: Inbox, message: Message, reply: (outcome: Outcome) => void): void {
    let isSettled = false;
    const once = (outcome: Outcome) => {
      if (isSettled) return;
      isSettled = true;
      reply("value" in outcome ? asCarried(outcome.value) : outcome);
    };
    this.#post.put(inbox, Object.freeze({ message, delivery: direct, reply: once }));
  }

  /** Asks the members that a group has here, and gives what they say by the deadline. Never rejects. */
  async askGroup(
    layer: ChannelLayer | undefined,
    group: string,
    message: Message,
    deadlineMs: number,
    except: string | undefined,
  ): Promise<readonly MemberAnswer[]> {
    const answers = new Map<string, MemberAnswer>();
    const members = [...(layer?.local.membersOf(group) ?? [])].filter(
      ({ channel, inbox }) => channel !== except && isActorInbox(inbox),
    );
    if (members.length === 0) return [];
    await new Promise<void>((resolve) => {
      const deadline = new Deadline(this.#clock, deadlineMs);
      deadline.onPassed = resolve;
      for (const { channel, inbox } of members) {
        this.put(inbox, message, (outcome) => {
          if ("value" in outcome) answers.set(channel, { channel, value: outcome.value });
          else
            answers.set(channel, { channel, failed: "failed" in outcome ? outcome.failed : outcome.absent });
          if (answers.size < members.length) return;
          deadline.cancel();
          resolve();
        });
      }
    });
    return members.map(({ channel }) => answers.get(channel) ?? { channel, failed: "it took too long" });
  }
}

/** An answer as others get it. One that no message can hold is a failure. */
function asCarried(value: unknown): Outcome {
  try {
    const payload = encode({ type: "answer", value });
    if (payload.length <= longestValue) return { value: decode(payload).message.value };
    return {
      failed: `an answer has at most ${longestValue} bytes when encoded, and this one has ${payload.length}.`,
    };
  } catch (error) {
    return { failed: `what it returned cannot be sent: ${failureText(error)}` };
  }
}
