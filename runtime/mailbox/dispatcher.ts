import { type Consumer, receiveFrame, receiveMessage } from "../../actors/consumer.ts";
import type { Frame } from "../../actors/consumer-context.ts";
import type { Gap, Mail } from "../../layers/message.ts";
import { type ErrorOwner, owned, ownerless } from "../async-error-owner.ts";
import type { ConsumerClass } from "../consumer-class.ts";
import type { ConsumerSettings } from "../consumer-settings.ts";
import { Deadline, within } from "../deadline.ts";
import { HandlerTimeoutError } from "../errors.ts";
import type { InspectionHooks, Observed } from "../inspection-hooks.ts";
import type { RuntimeContext } from "../runtime-context.ts";
import { type ActorInbox, dropped, failureText, isQuestion, type Question } from "./ask-envelope.ts";
import { type Item, isPromise, Mailbox, type MailboxOwner } from "./mailbox.ts";

/** The actor whose dispatcher it is. */
export interface DispatcherOwner extends Observed {
  /** The consumer threw or rejected; `stage` says in which of its methods. */
  failed(error: unknown, stage: string): void;
  /** As many messages wait as may, one more came, and the connection is to be closed for that. */
  overflowed(): void;
  /** The client has to wait before it sends more. */
  pause(): void;
  resume(): void;
}

/**
 * Takes what comes in for one actor, frames of its client and messages of its layer, through the mailbox to the
 * consumer, and counts what gets no further.
 */
export class Dispatcher implements ActorInbox, MailboxOwner {
  readonly answers = true;
  isOver = false;
  /** Undefined before it is made, and again when all is over. */
  consumer: Consumer | undefined;
  readonly mailbox: Mailbox;
  readonly #settings: ConsumerSettings;
  readonly #context: RuntimeContext;
  readonly #inspection: InspectionHooks;
  readonly #errorOwner: ErrorOwner;
  readonly #owner: DispatcherOwner;
  /** What is being handled and somebody waits for. */
  #asked: Question | undefined;
  #isUnhandled = false;

  /** @param errorOwner whose work the consumer's is. */
  constructor(
    Consumer: ConsumerClass,
    context: RuntimeContext,
    errorOwner: ErrorOwner,
    owner: DispatcherOwner,
  ) {
    this.#settings = context.settings.of(Consumer);
    this.#context = context;
    this.#inspection = context.inspection;
    this.#errorOwner = errorOwner;
    this.#owner = owner;
    this.mailbox = new Mailbox(this, this.#settings.mailbox);
  }

  // ---- into the mailbox

  /** A frame of the client. */
  receive(frame: Frame): void {
    if (!this.mailbox.putFrame(frame)) this.#context.counters.drop("closing");
  }

  /** A message of the layer, or a question. */
  deliver(mail: Mail): void {
    const taken = this.mailbox.putMessage(mail);
    if (taken === "taken") return;
    if (this.mailbox.closed) {
      this.#context.counters.drop("closing");
      dropped(mail, "the actor is on its way out");
      return;
    }
    this.#context.counters.drop("overflow");
    if (taken === "refused") dropped(mail, "too many messages wait");
    if (this.#settings.mailbox.overflow === "close") ownerless(() => this.#owner.overflowed());
  }

  /** To say whose work it is takes as long as all else that a message goes through here (0.1 µs): it is said once. */
  together(deliverSome: () => void): void {
    owned(this.#errorOwner, deliverSome);
  }

  gap(gap: Gap): void {
    this.mailbox.putGap(gap);
  }

  /** Nothing reaches the consumer any more. */
  close(): void {
    this.#context.counters.drop("closing", this.mailbox.close());
  }

  /** All is over: the consumer is let go, and whoever still waits for an answer of it hears so. */
  end(): void {
    this.isOver = true;
    this.consumer = undefined;
    dropped(this.#asked, "the actor has stopped");
    this.#asked = undefined;
  }

  // ---- out of the mailbox

  handle(item: Item): unknown {
    const { consumer } = this;
    if (consumer === undefined) {
      dropped(item, "the actor has stopped");
      return undefined;
    }
    this.#inspection.observer?.onItem(this.#owner, item);
    const result = isQuestion(item)
      ? this.#ask(consumer, item)
      : owned(this.#errorOwner, hand, consumer, item);
    const { handlerTimeoutMs } = this.#settings;
    if (handlerTimeoutMs === undefined || !isPromise(result)) return result;
    return this.#inTime(result, item, handlerTimeoutMs);
  }

  unhandled(): void {
    this.#isUnhandled = true;
    this.#context.counters.drop("unhandled");
  }

  failed(error: unknown, item?: Item): void {
    if (isQuestion(item)) item.reply({ failed: failureText(error) });
    ownerless(() => this.#owner.failed(error, stageOf(item)));
  }

  pause(): void {
    this.#owner.pause();
  }

  resume(): void {
    this.#owner.resume();
  }

  /** As any message is handled; whoever asked hears what comes of it. What fails goes to {@link failed}. */
  #ask(consumer: Consumer, question: Question): unknown {
    this.#isUnhandled = false;
    this.#asked = question;
    const result = owned(this.#errorOwner, hand, consumer, question);
    if (this.#isUnhandled) dropped(question, `the actor does not handle "${question.message.type}"`);
    else if (isPromise(result)) {
      result.then(
        (value) => question.reply({ value }),
        () => {},
      );
    } else question.reply({ value: result });
    return result;
  }

  async #inTime(work: PromiseLike<unknown>, item: Item, timeoutMs: number): Promise<void> {
    if (await within(new Deadline(this.#context.clock, timeoutMs), work)) return;
    // Nobody waits for it any more, but it is not over.
    work.then(undefined, (error: unknown) => this.#errorOwner.strayed(error));
    throw new HandlerTimeoutError(`The handler had not settled after ${timeoutMs} ms (${stageOf(item)}).`);
  }
}

/** What the consumer makes of an item: a value, or a promise. */
function hand(consumer: Consumer, item: Item): unknown {
  const result = call(consumer, item);
  // What only looks like a promise might begin its work at each `then`, or settle twice, or at once.
  return isPromise(result) && !(result instanceof Promise) ? Promise.resolve(result) : result;
}

function call(consumer: Consumer, item: Item): unknown {
  if (typeof item === "string" || item instanceof Uint8Array) return consumer[receiveFrame](item);
  if ("message" in item) return consumer[receiveMessage](item.message, item.delivery);
  return "dropped" in item ? consumer.onOverflow(item) : consumer.onGap(item);
}

function stageOf(item: Item | undefined): string {
  if (item === undefined) return "connect";
  if (typeof item === "string" || item instanceof Uint8Array) return "receive";
  if ("message" in item) return `message ${item.message.type}`;
  return "dropped" in item ? "onOverflow" : "onGap";
}
