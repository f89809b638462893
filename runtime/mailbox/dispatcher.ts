import { type Consumer, receiveFrame, receiveMessage } from "../../actors/consumer.ts";
import type { Frame } from "../../actors/consumer-context.ts";
import { type AnswersInTime, timedOut } from "../../actors/frame-answers.ts";
import { FrameRefusal } from "../../actors/frame-refusal.ts";
import { NotJsonError } from "../../actors/json-values.ts";
import { MessageShapeError } from "../../actors/message-shape-error.ts";
import { systemClock } from "../../layers/clock.ts";
import type { Gap, Mail, Message } from "../../layers/message.ts";
import type { Budget } from "../../layers/scheduling/lane.ts";
import { withTimeout } from "../../layers/with-timeout.ts";
import { type AsyncErrorOwner, isPromise, runOwned, runUnowned, toPromise } from "../async-error-owner.ts";
import type { ConsumerSettings } from "../consumer-settings.ts";
import { BlockedEventLoopError, HandlerTimeoutError } from "../errors.ts";
import type { Observed } from "../inspection-hooks.ts";
import type { ItemKind } from "../instruments.ts";
import type { RuntimeContext } from "../runtime-context.ts";
import { blockedMs } from "../scheduler/handler-timer.ts";
import {
  type ActorInbox,
  type AskEnvelope,
  failureText,
  isAskEnvelope,
  type Outcome,
  rejectIfAsked,
} from "./ask-envelope.ts";
import { type Item, Mailbox, type MailboxOwner } from "./mailbox.ts";
import type { TimerCall } from "./message-backlog.ts";

export interface DispatcherOwner extends Observed {
  readonly transport: Pick<MailboxOwner, "pause" | "resume"> & { frameDone?(): void };
  /** Undefined if the client does not recover messages of groups. */
  readonly recovery?: { gap(gap: Gap): void } | undefined;
  /** Called when the consumer's method that `stage` names throws or rejects. */
  failed(error: unknown, stage: string): void;
  /** Called when the mailbox overflows and its overflow policy is `close`. */
  overflowed(): void;
}

type DispatcherContext = Pick<
  RuntimeContext,
  "clock" | "counters" | "inspection" | "instruments" | "scheduler"
>;

/** Messages that are measured together. */
interface MeteredBatch {
  readonly startedAt: number;
  /** The type of the last message, which stands for all of them. */
  type: string | undefined;
  count: number;
}

/** Passes an actor's frames and messages through the mailbox to the consumer. Counts dropped items. */
export class Dispatcher implements ActorInbox, MailboxOwner {
  isOver = false;
  /** Undefined before the consumer is created, and after {@link end}. */
  consumer: Consumer | undefined;
  readonly mailbox: Mailbox;
  /** Undefined unless the actor has submitted jobs. */
  jobs: { arrived(message: Message): void } | undefined;
  readonly #settings: ConsumerSettings;
  readonly #context: DispatcherContext;
  readonly #errorOwner: AsyncErrorOwner;
  readonly #owner: DispatcherOwner;
  #currentAsk: AskEnvelope | undefined;
  #isUnhandled = false;
  #isBatch = false;
  /** The messages of the current batch that are handled. Undefined without a meter. */
  #metered: MeteredBatch | undefined = undefined;
  /** The type of the frame that is being handled, once it is known to fit the contract. */
  #frameType: string | undefined = undefined;

  constructor(
    settings: ConsumerSettings,
    context: DispatcherContext,
    errorOwner: AsyncErrorOwner,
    owner: DispatcherOwner,
  ) {
    this.#settings = settings;
    this.#context = context;
    this.#errorOwner = errorOwner;
    this.#owner = owner;
    this.mailbox = new Mailbox(this, settings.mailbox, context.scheduler);
  }

  get answers(): true {
    return true;
  }

  receive(frame: Frame, budget?: Budget): void {
    this.#settings.counts.framesIn += 1;
    if (!this.mailbox.enqueueFrame(frame, budget)) this.#context.counters.drop("closing");
  }

  deliver(mail: Mail): void {
    this.#settings.counts.messagesIn += 1;
    if (this.jobs !== undefined) this.jobs.arrived(mail.message);
    const result = this.mailbox.enqueueMessage(mail);
    if (result === "enqueued") return;
    if (this.mailbox.closed) {
      this.#context.counters.drop("closing");
      rejectIfAsked(mail, "the actor is closing");
      return;
    }
    this.#context.counters.drop("overflow");
    if (result === "refused") rejectIfAsked(mail, "the mailbox is full");
    if (this.#settings.mailbox.overflow === "close") runUnowned(() => this.#owner.overflowed());
  }

  /** Sets the error owner once for many deliveries: setting it takes as long as one delivery (0.1 µs). */
  batch(deliverSome: () => void): void {
    const { instruments, scheduler } = this.#context;
    const { handlerTimer } = scheduler;
    this.#isBatch = true;
    const startedAt = handlerTimer.start();
    const metered = instruments.meter && { startedAt, type: undefined, count: 0 };
    this.#metered = metered;
    try {
      runOwned(this.#errorOwner, deliverSome);
    } finally {
      const ms = handlerTimer.end(startedAt);
      this.#isBatch = false;
      this.#metered = undefined;
      if (ms > blockedMs) this.#onBlocked("messages");
      if (metered !== undefined && metered.count > 0)
        instruments.meter?.handled(this.#owner.Consumer, "message", metered.type, ms, metered.count);
    }
  }

  gap(gap: Gap): void {
    this.mailbox.enqueueGap(gap);
  }

  enqueueTimer(call: TimerCall): void {
    const { clock, instruments, scheduler } = this.#context;
    // A test that advances its own clock expects the calls at once.
    const budget = clock === systemClock ? scheduler.inlineBudget() : undefined;
    if (instruments.tracer === undefined) this.mailbox.enqueueTimer(call, budget);
    else instruments.tracer.detach(() => this.mailbox.enqueueTimer(call, budget));
  }

  /** Drops all waiting items. The consumer receives no further input. */
  close(): void {
    this.#context.counters.drop("closing", this.mailbox.close());
  }

  /** Releases the consumer of a stopped actor, and rejects the ask that the consumer has not answered. */
  end(): void {
    this.isOver = true;
    this.consumer = undefined;
    rejectIfAsked(this.#currentAsk, "the actor has stopped");
    this.#currentAsk = undefined;
    this.#context.instruments.tracer?.onEnd(this.#owner);
  }

  handle(item: Item): unknown {
    const { consumer } = this;
    if (consumer === undefined) {
      rejectIfAsked(item, "the actor has stopped");
      return undefined;
    }
    this.#context.inspection.observer?.onItem(this.#owner, item);
    const { tracer } = this.#context.instruments;
    return tracer !== undefined && isTraced(item)
      ? tracer.handle(this.#owner, item, () => this.#start(consumer, item))
      : this.#start(consumer, item);
  }

  #start(consumer: Consumer, item: Item): unknown {
    const { recovery, transport } = this.#owner;
    if (recovery !== undefined && isGap(item)) recovery.gap(item);
    if (transport.frameDone === undefined || !isFrame(item)) return this.#handle(consumer, item);
    return this.#handleFrame(consumer, item, () => transport.frameDone?.());
  }

  /** Handles a frame, and calls `done` once the handler has settled. */
  #handleFrame(consumer: Consumer, frame: Frame, done: () => void): unknown {
    let result: unknown;
    try {
      result = this.#handle(consumer, frame);
    } finally {
      if (!isPromise(result)) done();
    }
    return isPromise(result) ? Promise.resolve(result).finally(done) : result;
  }

  #handle(consumer: Consumer, item: Item): unknown {
    const result = this.#isBatch ? this.#callInBatch(consumer, item) : this.#measure(consumer, item);
    const { handlerTimeoutMs } = this.#settings;
    if (handlerTimeoutMs === undefined || !isPromise(result)) return result;
    return this.#limit(result, item, handlerTimeoutMs);
  }

  #measure(consumer: Consumer, item: Item): unknown {
    const { instruments, scheduler } = this.#context;
    const { handlerTimer } = scheduler;
    this.#isUnhandled = false;
    this.#frameType = undefined;
    let result: unknown;
    const startedAt = handlerTimer.start();
    try {
      result = this.#call(consumer, item);
    } finally {
      const ms = handlerTimer.end(startedAt);
      if (ms > blockedMs) this.#onBlocked(stageOf(item));
      if (instruments.meter !== undefined) {
        if (isPromise(result)) this.#onSettled(item, result, startedAt);
        else this.#tellMeter(item, ms);
      }
    }
    return result;
  }

  #callInBatch(consumer: Consumer, item: Item): unknown {
    const result = this.#call(consumer, item);
    const metered = this.#metered;
    if (metered !== undefined) {
      if (isPromise(result)) this.#onSettled(item, result, metered.startedAt);
      else if (isMail(item)) {
        metered.type = item.message.type;
        metered.count += 1;
      }
    }
    return result;
  }

  #onSettled(item: Item, result: PromiseLike<unknown>, startedAt: number): void {
    const tell = () => this.#tellMeter(item, this.#context.scheduler.now() - startedAt);
    result.then(tell, tell);
  }

  #tellMeter(item: Item, ms: number): void {
    const kind = kindOf(item);
    const messageType = isMail(item) && !this.#isUnhandled ? item.message.type : undefined;
    const type = kind === "frame" ? this.#frameType : messageType;
    this.#context.instruments.meter?.handled(this.#owner.Consumer, kind, type, ms, 1);
  }

  #call(consumer: Consumer, item: Item): unknown {
    return isAskEnvelope(item)
      ? this.#answer(consumer, item)
      : runOwned(this.#errorOwner, callHandler, consumer, item);
  }

  #onBlocked(stage: string): void {
    const { counters, scheduler } = this.#context;
    counters.block();
    if (!scheduler.handlerTimer.isFirst(this.#owner.Consumer)) return;
    const error = new BlockedEventLoopError(
      `A handler of ${this.#owner.Consumer.name} (${stage}) blocked the event loop for more than ` +
        `${blockedMs} ms: run long computations in a worker thread, or in parts with an await between them.`,
    );
    this.#errorOwner.report(error, stage);
  }

  get isMetered(): boolean {
    return this.#context.instruments.meter !== undefined;
  }

  waited(ms: number): void {
    this.#context.instruments.meter?.waited(this.#owner.Consumer, ms);
  }

  /** The pending frame has the type `type` of the contract. */
  handles(type: string): void {
    this.#frameType = type;
  }

  unhandled(): void {
    this.#isUnhandled = true;
    this.#context.counters.drop("unhandled");
  }

  failed(error: unknown, item?: Item): void {
    if (isAskEnvelope(item)) item.reply({ failed: failureText(error) });
    if (isMail(item) && isFaultOfMessage(error)) this.dropMail(error, stageOf(item));
    else runUnowned(() => this.#owner.failed(error, stageOf(item)));
  }

  /** Each member of a group gets the message that has caused `error`. So no actor fails because of it. */
  dropMail(error: unknown, stage: string): void {
    this.#context.counters.drop(error instanceof MessageShapeError ? "invalid" : "not-json");
    runUnowned(() => this.#errorOwner.report(error, stage));
  }

  pause(): void {
    this.#owner.transport.pause();
  }

  resume(): void {
    this.#owner.transport.resume();
  }

  /** The consumer answers its pending frame with an error, and never handles the frame later. */
  abandonFrame(): void {
    (this.consumer as AnswersInTime | undefined)?.[timedOut]?.();
  }

  /** Replies with the handler's result. If the handler fails, {@link failed} replies instead. */
  #answer(consumer: Consumer, ask: AskEnvelope): unknown {
    this.#isUnhandled = false;
    this.#currentAsk = ask;
    const result = runOwned(this.#errorOwner, callHandler, consumer, ask);
    if (this.#isUnhandled)
      rejectIfAsked(ask, `the actor does not handle ${JSON.stringify(ask.message.type)}`);
    else if (isPromise(result)) {
      result.then(
        (value) => ask.reply(outcomeOf(value)),
        () => {},
      );
    } else ask.reply(outcomeOf(result));
    return result;
  }

  #limit(work: PromiseLike<unknown>, item: Item, timeoutMs: number): Promise<unknown> {
    return withTimeout(work, timeoutMs, this.#context.clock, () => {
      this.abandonFrame();
      // The handler still runs after the timeout, and may fail later.
      work.then(undefined, (error: unknown) => this.#errorOwner.onAsyncError(error));
      return new HandlerTimeoutError(`The handler had not settled after ${timeoutMs} ms (${stageOf(item)}).`);
    });
  }
}

/** Whether the content of a message may have caused `error`. */
export const isFaultOfMessage = (error: unknown): boolean =>
  error instanceof NotJsonError || error instanceof MessageShapeError;

/** A machine that refuses a message returns a refusal: the ask fails, and the actor does not. */
const outcomeOf = (value: unknown): Outcome =>
  value instanceof FrameRefusal ? { failed: failureText(`${value.code}: ${value.message}`) } : { value };

/** Calls the consumer's handler for `item`. If the handler returns a thenable, converts it to a promise. */
const callHandler = (consumer: Consumer, item: Item): unknown => toPromise(call(consumer, item));

function call(consumer: Consumer, item: Item): unknown {
  if (isFrame(item)) return consumer[receiveFrame](item);
  if ("message" in item) return consumer[receiveMessage](item.message, item.delivery);
  if ("run" in item) return item.run();
  return "dropped" in item ? consumer.onOverflow(item) : consumer.onGap(item);
}

const isFrame = (item: Item): item is Frame => typeof item === "string" || item instanceof Uint8Array;

const isGap = (item: Item): item is Gap =>
  typeof item === "object" && !["message", "run", "dropped"].some((key) => key in item);

/** A message begins no trace: it is traced if it carries a trace. */
const isTraced = (item: Item): boolean =>
  isFrame(item) || ("message" in item ? item.trace !== undefined : "run" in item);

const isMail = (item: Item | undefined): item is Mail => typeof item === "object" && "message" in item;

function kindOf(item: Item): ItemKind {
  if (isFrame(item)) return "frame";
  if ("message" in item) return "message";
  if ("run" in item) return "timer";
  return "dropped" in item ? "overflow" : "gap";
}

function stageOf(item: Item | undefined): string {
  if (item === undefined) return "connect";
  if (isFrame(item)) return "receive";
  if ("message" in item) return `message ${item.message.type}`;
  if ("run" in item) return item.stage ?? "timer";
  return "dropped" in item ? "onOverflow" : "onGap";
}
