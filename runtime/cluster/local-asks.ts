import type { ChannelLayer } from "../../layers/channel-layer.ts";
import type { Clock } from "../../layers/clock.ts";
import type { Inbox, Message } from "../../layers/message.ts";
import { valueThroughCodec } from "../../layers/through-codec.ts";
import type { TraceContext } from "../../layers/tracing.ts";
import { failureText, isActorInbox, type Outcome } from "../mailbox/ask-envelope.ts";
import type { MailboxDelivery } from "./mailbox-delivery.ts";
import { nodeOf } from "./node-channel.ts";

interface GroupAskOptions {
  readonly deadlineMs: number;
  readonly except: string | undefined;
  readonly trace: TraceContext | undefined;
}

/** Delivers each message or ask to its actor on this node. */
export class LocalAsks {
  readonly #layers: readonly ChannelLayer[];
  readonly #delivery: MailboxDelivery;
  readonly #clock: Clock;

  constructor(layers: readonly ChannelLayer[], delivery: MailboxDelivery, clock: Clock) {
    this.#layers = layers;
    this.#delivery = delivery;
    this.#clock = clock;
  }

  /** Whether this node created the channel. */
  owns(channel: string): boolean {
    return this.#layerOf(channel) !== undefined;
  }

  /** Delivers a message, or counts a dead letter if the actor has stopped. */
  send(channel: string, message: Message, trace?: TraceContext): void {
    this.#delivery.enqueue(this.#inboxOf(channel), message, { trace });
  }

  /** Asks an actor, and calls `reply` once. The outcome is a copy, as if the actor were on another node. */
  ask(channel: string, message: Message, reply: (outcome: Outcome) => void, trace?: TraceContext): void {
    const inbox = this.#inboxOf(channel);
    if (inbox === undefined) reply({ absent: "its node has no such actor, or the actor stopped." });
    else if (!isActorInbox(inbox)) reply({ absent: "it is not the channel of an actor." });
    else this.askInbox(inbox, message, reply, trace);
  }

  askInbox(inbox: Inbox, message: Message, reply: (outcome: Outcome) => void, trace?: TraceContext): void {
    let isSettled = false;
    const replyOnce = (outcome: Outcome) => {
      if (isSettled) return;
      isSettled = true;
      reply("value" in outcome ? outcomeOf(outcome.value, "An answer") : outcome);
    };
    this.#delivery.enqueue(inbox, message, { reply: replyOnce, trace });
  }

  /** Resolves within `deadlineMs`. Members that have not replied count as failed. Never rejects. */
  async askGroup(
    layer: ChannelLayer | undefined,
    group: string,
    message: Message,
    { deadlineMs, except, trace }: GroupAskOptions,
  ): Promise<readonly (Outcome & { readonly channel: string })[]> {
    const members = [...(layer?.local.membersOf(group) ?? [])].filter(
      ({ channel, inbox }) => channel !== except && isActorInbox(inbox),
    );
    if (members.length === 0) return [];
    const outcomes = new Map<string, Outcome>();
    await new Promise<void>((resolve) => {
      const timer = this.#clock.setTimeout(() => resolve(), deadlineMs);
      for (const { channel, inbox } of members) {
        const reply = (outcome: Outcome) => {
          if (outcomes.set(channel, outcome).size < members.length) return;
          this.#clock.clearTimeout(timer);
          resolve();
        };
        this.askInbox(inbox, message, reply, trace);
      }
    });
    return members.map(({ channel }) => ({
      channel,
      ...(outcomes.get(channel) ?? { failed: "the actor did not reply in time" }),
    }));
  }

  #inboxOf(channel: string): Inbox | undefined {
    return this.#layerOf(channel)?.local.member(channel)?.inbox;
  }

  #layerOf(channel: string): ChannelLayer | undefined {
    const node = nodeOf(channel);
    return this.#layers.find((layer) => layer.node === node);
  }
}

/** Returns the outcome with a copy of `value`, or with a failure if a message cannot hold the value. */
export function outcomeOf(value: unknown, name: string): Exclude<Outcome, { readonly absent: string }> {
  try {
    return { value: valueThroughCodec(value, name) };
  } catch (error) {
    return { failed: `the returned value cannot be sent: ${failureText(error)}` };
  }
}
