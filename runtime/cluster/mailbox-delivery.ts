import type { ErrorListener } from "../../layers/error-reporter.ts";
import type { Delivery, Inbox, Mail } from "../../layers/message.ts";
import type { Counters } from "../counters.ts";
import { isActorInbox, rejectIfAsked } from "../mailbox/ask-envelope.ts";

/** How a message comes that was sent to nobody else. */
export const direct: Delivery = Object.freeze({});

/**
 * Carries messages to inboxes of this node. As on a layer, none arrives while it is sent: two actors that answer each
 * other without end leave room for sockets and timers.
 */
export class MailboxDelivery {
  readonly #counters: Counters;
  readonly #report: ErrorListener;
  #waiting: { readonly inbox: Inbox; readonly mail: Mail }[] = [];

  constructor(counters: Counters, report: ErrorListener) {
    this.#counters = counters;
    this.#report = report;
  }

  put(inbox: Inbox, mail: Mail): void {
    if (this.#waiting.push({ inbox, mail }) === 1) setImmediate(this.#deliver);
  }

  readonly #deliver = (): void => {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { inbox, mail } of waiting) {
      if (isActorInbox(inbox) && inbox.isOver) {
        this.#counters.drop("dead-letter");
        rejectIfAsked(mail, "the actor has stopped");
        continue;
      }
      try {
        inbox.deliver(mail);
      } catch (error) {
        // It may be anybody's, and takes nothing from the others.
        this.#report(error, { stage: "control" });
      }
    }
  };
}
