import { textOf } from "../../layers/error-text.ts";
import type { Inbox, Mail } from "../../layers/message.ts";
import { clipped } from "../truncate.ts";

/** What came of asking an actor: what it returned, why it did not, or that it is not there. */
export type Outcome = { readonly value: unknown } | { readonly failed: string } | { readonly absent: string };

/** A message in a mailbox to which somebody waits for an answer. */
export interface Question extends Mail {
  /** MUST be called, whatever becomes of the message. Only the first outcome counts. */
  readonly reply: (outcome: Outcome) => void;
}

/** The inbox of an actor: what is asked there is answered. */
export interface ActorInbox extends Inbox {
  readonly answers: true;
  /** Whether the actor has stopped. */
  readonly isOver: boolean;
  deliver(mail: Mail | Question): void;
}

export const isQuestion = (item: unknown): item is Question =>
  typeof item === "object" && item !== null && "reply" in item;

export const isActorInbox = (inbox: Inbox): inbox is ActorInbox => "answers" in inbox;

/** Rejects the ask if the item is one; does nothing otherwise. `reason` says why the message was dropped. */
export function rejectIfAsked(item: unknown, reason: string): void {
  if (isQuestion(item)) item.reply({ failed: `the message was dropped: ${reason}` });
}

const longest = 1_000;

/** What may be told of a failure to others: its message, never where it happened. */
export const failureText = (error: unknown): string => clipped(textOf(error), longest);
