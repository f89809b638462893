import { textOf } from "../../layers/errors.ts";
import type { Inbox, Mail } from "../../layers/message.ts";
import { truncate } from "../truncate.ts";

/** The outcome of an ask: the returned value, the reason of a failure, or the reason why no actor exists. */
export type Outcome = { readonly value: unknown } | { readonly failed: string } | { readonly absent: string };

export interface AskEnvelope extends Mail {
  /** MUST be called, even if the message is dropped. Only the first call has an effect. */
  readonly reply: (outcome: Outcome) => void;
}

/** The inbox of an actor, which replies to asks. */
export interface ActorInbox extends Inbox {
  readonly answers: true;
  readonly isOver: boolean;
  deliver(mail: Mail | AskEnvelope): void;
}

export const isAskEnvelope = (item: unknown): item is AskEnvelope =>
  typeof item === "object" && item !== null && "reply" in item;

export const isActorInbox = (inbox: Inbox): inbox is ActorInbox => "answers" in inbox;

/** If `item` is an ask, replies that the message was dropped for `reason`. */
export function rejectIfAsked(item: unknown, reason: string): void {
  if (isAskEnvelope(item)) item.reply({ failed: `the message was dropped: ${reason}` });
}

/** The text of an error for other actors: the first 1,000 characters of its message, without the stack. */
export const failureText = (error: unknown): string => truncate(textOf(error), 1_000);
