import { CallbackOwner, type ErrorListener } from "../../layers/error-reporter.ts";
import type { Delivery, Inbox, Mail, Message } from "../../layers/message.ts";
import { runOwned } from "../async-error-owner.ts";
import type { Counters } from "../counters.ts";
import { isActorInbox, type Outcome, rejectIfAsked } from "../mailbox/ask-envelope.ts";

const direct: Delivery = Object.freeze({});

/** Delivers messages asynchronously, so that endless exchanges between actors do not starve sockets. */
export class MailboxDelivery {
  readonly #counters: Counters;
  readonly #report: ErrorListener;
  /** Owns the inboxes of the application. The first sender must not own what the inboxes leave behind. */
  readonly #owner: CallbackOwner;
  #waiting: { readonly inbox: Inbox; readonly mail: Mail }[] = [];

  constructor(counters: Counters, report: ErrorListener) {
    this.#counters = counters;
    this.#report = report;
    this.#owner = new CallbackOwner(report, { stage: "control" });
  }

  /** `message` MUST be deep-frozen. Pass `reply` for an ask. Without an `inbox`, counts a dead letter. */
  enqueue(inbox: Inbox | undefined, message: Message, reply?: (outcome: Outcome) => void): void {
    if (inbox === undefined) {
      this.#counters.drop("dead-letter");
      return;
    }
    const mail = reply === undefined ? { message, delivery: direct } : { message, delivery: direct, reply };
    if (this.#waiting.push({ inbox, mail: Object.freeze(mail) }) === 1) setImmediate(this.#deliver);
  }

  readonly #deliver = (): void => runOwned(this.#owner, this.#deliverAll);

  readonly #deliverAll = (): void => {
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
        // The inbox may be code of the application. An error of one inbox must not affect other inboxes.
        this.#report(error, { stage: "control" });
      }
    }
  };
}
