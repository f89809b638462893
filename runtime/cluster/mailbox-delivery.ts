import { CallbackOwner, type ErrorListener } from "../../layers/error-reporter.ts";
import type { Delivery, Inbox, Mail, Message } from "../../layers/message.ts";
import type { TraceContext } from "../../layers/tracing.ts";
import { runOwned } from "../async-error-owner.ts";
import type { Counters } from "../counters.ts";
import type { Instruments } from "../instruments.ts";
import { type AskEnvelope, isActorInbox, type Outcome, rejectIfAsked } from "../mailbox/ask-envelope.ts";

interface MailOptions {
  /** Present for an ask. */
  readonly reply?: (outcome: Outcome) => void;
  readonly trace?: TraceContext | undefined;
}

const direct: Delivery = Object.freeze({});

/** Delivers messages asynchronously, so that endless exchanges between actors do not starve sockets. */
export class MailboxDelivery {
  readonly #counters: Counters;
  readonly #report: ErrorListener;
  readonly #instruments: Instruments;
  /** Owns the inboxes of the application. The first sender must not own what the inboxes leave behind. */
  readonly #owner: CallbackOwner;
  #waiting: { readonly inbox: Inbox; readonly mail: Mail | AskEnvelope }[] = [];

  constructor(counters: Counters, report: ErrorListener, instruments: Instruments) {
    this.#counters = counters;
    this.#report = report;
    this.#instruments = instruments;
    this.#owner = new CallbackOwner(report, { stage: "control" });
  }

  /** `message` MUST be deep-frozen. Without an `inbox`, counts a dead letter. */
  enqueue(inbox: Inbox | undefined, message: Message, { reply, trace }: MailOptions = {}): void {
    if (inbox === undefined) {
      this.#counters.drop("dead-letter");
      return;
    }
    const mail = {
      message,
      delivery: direct,
      ...(reply !== undefined && { reply }),
      ...(trace !== undefined && { trace }),
    };
    if (this.#waiting.push({ inbox, mail: Object.freeze(mail) }) === 1) setImmediate(this.#deliver);
  }

  readonly #deliver = (): void => {
    const { tracer } = this.#instruments;
    const deliver = () => runOwned(this.#owner, this.#deliverAll);
    if (tracer === undefined) deliver();
    else tracer.detach(deliver);
  };

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
