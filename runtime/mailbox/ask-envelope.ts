import { textOf } from "../../layers/errors.ts";
import type { Inbox, Mail } from "../../layers/message.ts";
import { truncate } from "../truncate.ts";

/** The outcome of an ask: what the handler returned, why it failed, or why there is no such actor. */
export type Outcome = { readonly value: unknown } | { readonly failed: string } | { readonly absent: string };

/** A message that asks for an answer. */
export interface AskEnvelope extends Mail {
  /** MUST be called, also if the message is dropped. Only the first call counts. */
  readonly reply: (outcome: Outcome) => void;
}

/** The inbox of an actor, which answers asks. */
export interface ActorInbox extends Inbox {
  readonly answers: true;
  /** Whether the actor has stopped. */
  readonly isOver: boolean;
  deliver(mail: Mail | AskEnvelope): void;
}

export const isAskEnvelope = (item: unknown): item is AskEnvelope =>
  typeof item === "object" && item !== null && "reply" in item;

export const isActorInbox = (inbox: Inbox): inbox is ActorInbox => "answers" in inbox;

/** Rejects the ask if the item is one; does nothing otherwise. `reason` says why the message was dropped. */
export function rejectIfAsked(item: unknown, reason: string): void {
  if (isAskEnvelope(item)) item.reply({ failed: `the message was dropped: ${reason}` });
}

/** The part of an error that other actors may see: its message, at most 1,000 characters, and never its stack. */
export const failureText = (error: unknown): string => truncate(textOf(error), 1_000);
