import { type Consumer, receiveFrame } from "../actors/consumer.ts";
import type { Frame } from "../actors/consumer-context.ts";
import { findHandler } from "../actors/handlers.ts";
import type { Gap, Inbox, Mail } from "../layers/contract.ts";
import type { ConsumerClass } from "./consumer-class.ts";
import type { Counters } from "./counters.ts";
import type { Limits } from "./limits.ts";
import { type Item, Mailbox, type MailboxOwner } from "./mailbox.ts";

/** The actor whose dispatcher it is. */
export interface DispatcherOwner {
  /** The consumer threw or rejected; `stage` says in which of its methods. */
  failed(error: unknown, stage: string): void;
  /** As many messages wait as may, and one more came. */
  overflowed(): void;
  /** The client has to wait before it sends more. */
  pause(): void;
  resume(): void;
}

/**
 * Takes what comes in for one actor, frames of its client and messages of its layer, through the mailbox to the
 * consumer, and counts what gets no further.
 */
export class Dispatcher implements Inbox, MailboxOwner {
  /** Undefined before it is made, and again when all is over. */
  consumer: Consumer | undefined;
  readonly mailbox: Mailbox;
  readonly #Consumer: ConsumerClass;
  readonly #counters: Counters;
  readonly #owner: DispatcherOwner;

  constructor(Consumer: ConsumerClass, limits: Limits, counters: Counters, owner: DispatcherOwner) {
    this.#Consumer = Consumer;
    this.#counters = counters;
    this.#owner = owner;
    this.mailbox = new Mailbox(this, limits);
  }

  // ---- into the mailbox

  /** A frame of the client. */
  receive(frame: Frame): void {
    if (!this.mailbox.putFrame(frame)) this.#counters.drop("closing");
  }

  /** A message of the layer. */
  deliver(mail: Mail): void {
    if (this.mailbox.putMessage(mail)) return;
    if (this.mailbox.closed) {
      this.#counters.drop("closing");
    } else {
      this.#counters.drop("overflow");
      this.#owner.overflowed();
    }
  }

  gap(gap: Gap): void {
    this.mailbox.putGap(gap);
  }

  /** Nothing reaches the consumer any more. */
  close(): void {
    this.#counters.drop("closing", this.mailbox.close());
  }

  // ---- out of the mailbox

  handle(item: Item): unknown {
    const { consumer } = this;
    if (!consumer) return undefined;
    if (typeof item === "string" || item instanceof Uint8Array) return consumer[receiveFrame](item);
    if (!("message" in item)) return consumer.onGap(item);
    const handler = findHandler(this.#Consumer.on, item.message.type);
    if (handler) return handler.call(consumer, item.message, item.delivery);
    this.unhandled();
    return undefined;
  }

  unhandled(): void {
    this.#counters.drop("unhandled");
  }

  failed(error: unknown, item?: Item): void {
    this.#owner.failed(error, stageOf(item));
  }

  pause(): void {
    this.#owner.pause();
  }

  resume(): void {
    this.#owner.resume();
  }
}

function stageOf(item: Item | undefined): string {
  if (item === undefined) return "connect";
  if (typeof item === "string" || item instanceof Uint8Array) return "receive";
  return "message" in item ? `message ${item.message.type}` : "onGap";
}
