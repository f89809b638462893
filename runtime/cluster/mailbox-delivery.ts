import type { ErrorListener } from "../../layers/error-reporter.ts";
import type { Delivery, Inbox, Mail, Message } from "../../layers/message.ts";
import type { Counters } from "../counters.ts";
import { isActorInbox, type Outcome, rejectIfAsked } from "../mailbox/ask-envelope.ts";

const direct: Delivery = Object.freeze({});

/**
 * Delivers messages to inboxes of this node. As on a layer, a message never arrives during the call that
 * sends it. So two actors that answer each other endlessly do not starve sockets and timers.
 */
export class MailboxDelivery {
  readonly #counters: Counters;
  readonly #report: ErrorListener;
  #waiting: { readonly inbox: Inbox; readonly mail: Mail }[] = [];

  constructor(counters: Counters, report: ErrorListener) {
    this.#counters = counters;
    this.#report = report;
  }

  /**
   * Delivers a message later in this turn of the event loop. Without an inbox, the message counts as a dead
   * letter.
   *
   * @param message deep-frozen, as a layer delivers it.
   * @param reply makes the message an ask, and receives the outcome.
   */
  enqueue(inbox: Inbox | undefined, message: Message, reply?: (outcome: Outcome) => void): void {
    if (inbox === undefined) {
      this.#counters.drop("dead-letter");
      return;
    }
    const mail = reply === undefined ? { message, delivery: direct } : { message, delivery: direct, reply };
    if (this.#waiting.push({ inbox, mail: Object.freeze(mail) }) === 1) setImmediate(this.#deliver);
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
        // The application may have made the inbox; its failure must not affect the others.
        this.#report(error, { stage: "control" });
      }
    }
  };
}
