import type { Frame, Overflow } from "../../actors/index.ts";
import { isPromise } from "../../layers/async-errors.ts";
import { Fifo } from "../../layers/fifo.ts";
import type { Gap, Mail } from "../../layers/message.ts";
import { type Budget, type Task, unlimited } from "../../layers/scheduling/lane.ts";
import type { MailboxSettings } from "../consumer-settings.ts";
import type { Scheduler } from "../scheduler/scheduler.ts";
import { type EnqueueResult, MessageBacklog, type TimerCall } from "./message-backlog.ts";

/** A client's frame, a layer's message, a notice in place of lost messages, or the call of a timer. */
export type Item = Frame | Mail | Gap | Overflow | TimerCall;

export interface MailboxOwner {
  /** Handles one item. If this returns a promise, the mailbox awaits it before it handles the next item. */
  handle(item: Item): unknown;
  /** Handling `item` failed. Without `item`, the promise given to `start` was rejected. MUST NOT throw. */
  failed(error: unknown, item?: Item): void;
  /** Called when the waiting frames exceed the high-water mark. Pauses the client. */
  pause(): void;
  /** Called when the number of waiting frames is down to half of the high-water mark. Resumes the client. */
  resume(): void;
  /** Whether to measure how long items wait. @default false */
  readonly isMetered?: boolean;
  /** Called when a measured item has waited for `ms` milliseconds. MUST NOT throw. */
  waited?(ms: number): void;
}

type MailboxScheduler = Pick<Scheduler, "backlogs" | "inlineBudget" | "mailboxes" | "now" | "turn">;

/** A waiting item whose wait is measured. */
interface WaitProbe {
  /** The time when the item was enqueued, in milliseconds. */
  readonly since: number;
  /** The number of items that were enqueued before it and still wait. */
  ahead: number;
}

/** Maximum number of frames that one mailbox handles in a turn of the event loop. */
const framesPerTurn = 32;
/**
 * While longer frames wait, in characters or bytes, the client is paused. 100 frames of 60 KiB of each of 1,000 clients,
 * whose JSON took 5 ms each to parse, filled the heap and ended the process.
 */
const maxFrameLength = 128 * 1_024;
/**
 * A mailbox with longer waiting frames, in characters or bytes, takes turns with other such mailboxes only. JSON of this
 * length takes up to 0.3 ms to parse. In one lane, a frame of 20 characters waited for a frame of 60 KiB of each client.
 */
const backlogLength = 4_096;

/**
 * The queue of one actor. Items are handled one at a time. An idle actor handles a new item immediately.
 * Waiting frames and messages are handled alternately, each kind in the order of arrival. So a fast client
 * does not delay messages, and a busy group does not delay frames. When messages take up half of the
 * capacity, they go first, because the frames of fast clients would cause more messages. Mailboxes take
 * turns: each handles up to 32 frames in a turn of the event loop. When a turn has no time left, items wait.
 * Mailboxes with more than 4,096 characters or bytes of waiting frames have a share of the time of their own.
 */
export class Mailbox implements Task {
  readonly #owner: MailboxOwner;
  readonly #settings: MailboxSettings;
  readonly #scheduler: MailboxScheduler;
  // Created on demand, because most actors never need a queue.
  #frames: Fifo<Frame> | undefined;
  /** Length of the waiting frames, in characters or bytes. */
  #frameLength = 0;
  #messages: MessageBacklog | undefined;
  #priorityWork: (() => Promise<void>) | undefined;
  #messagesSinceFrame = 1;
  #paused = false;
  #busy = true;
  #closed = false;
  /** Whether the items wait for a handler that returned a promise, or for {@link start}. */
  #isPending = true;
  #isScheduled = false;
  /** The turn in which a frame was handled last, and the number of frames that this turn may still handle. */
  #turn = -1;
  #framesLeft = 0;
  #onIdle: (() => void) | undefined;
  /** The number of items and other work that the mailbox has begun to handle. Identifies a pending handler. */
  #begun = 0;
  /** At most one item is measured at a time, because measuring each item would cost as much as handling it. */
  #probe: WaitProbe | undefined = undefined;

  constructor(owner: MailboxOwner, settings: MailboxSettings, scheduler: MailboxScheduler) {
    this.#owner = owner;
    this.#settings = settings;
    this.#scheduler = scheduler;
  }

  /** The number of waiting items. The item that is being handled does not count. */
  get size(): number {
    return (this.#frames?.size ?? 0) + (this.#messages?.size ?? 0);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Whether an item is being handled, items wait, or `first` of {@link start} is pending. */
  get busy(): boolean {
    return this.#busy;
  }

  get begun(): number {
    return this.#begun;
  }

  /** Starts to handle items once `first`, the consumer's `connect`, has settled. */
  start(first: Promise<void>): void {
    this.#await(first);
  }

  /**
   * Enqueues a frame. Pauses the client above the high-water mark. Returns false in a closed mailbox.
   * @param budget limits the frames that are handled during the call.
   */
  enqueueFrame(frame: Frame, budget: Budget = unlimited): boolean {
    if (this.#closed) return false;
    if (!this.#busy && budget.hasTime && this.#mayTakeFrame(budget)) {
      budget.charge(1);
      this.#messagesSinceFrame = 0;
      this.#handle(frame, budget);
      return true;
    }
    this.#frames ??= new Fifo();
    this.#frames.push(frame);
    this.#addLength(frame.length);
    if (this.#owner.isMetered) this.#probeWait();
    if (!this.#busy) this.#schedule();
    const isTooMuch = this.#frames.size > this.#settings.frameHighWaterMark;
    if (!this.#paused && (isTooMuch || this.#frameLength > maxFrameLength || this.#isNodeFull)) {
      this.#paused = true;
      this.#owner.pause();
    }
    return true;
  }

  /**
   * Runs `work` before all waiting items, but after the current item and after earlier work. `work` MUST NOT reject.
   */
  runNext(work: () => Promise<void>): void {
    if (this.#closed) return;
    const earlier = this.#priorityWork;
    if (earlier !== undefined) {
      this.#priorityWork = () => earlier().then(work);
    } else if (this.#busy) {
      this.#priorityWork = work;
    } else {
      this.#busy = true;
      this.#begun += 1;
      this.#await(work());
    }
  }

  /**
   * Enqueues a message. Applies the overflow policy when the mailbox is full. In a half-full mailbox, first
   * handles the oldest messages, unless a handler is pending. So only a pending handler causes an overflow.
   */
  enqueueMessage(mail: Mail): EnqueueResult {
    if (this.#closed) return "refused";
    if (!this.#busy) {
      this.#messagesSinceFrame += 1;
      this.#handle(mail);
      return "enqueued";
    }
    this.#messages ??= new MessageBacklog(this.#settings);
    while (this.#isHalfFull && !this.#isPending && this.#priorityWork === undefined) {
      this.#messagesSinceFrame += 1;
      this.#isPending = true;
      this.#isPending = this.#handleOne(this.#shiftMessage() as Item);
    }
    if (this.#closed) return "refused";
    const result = this.#messages.enqueue(mail);
    if (result === "displaced") this.#onShift();
    if (result !== "refused" && this.#owner.isMetered) this.#probeWait();
    return result;
  }

  /** Enqueues a gap after the waiting messages, even when the mailbox is full. */
  enqueueGap(gap: Gap): void {
    if (this.#closed) return;
    if (this.#busy) {
      this.#messages ??= new MessageBacklog(this.#settings);
      this.#messages.enqueueGap(gap);
    } else {
      this.#handle(gap);
    }
  }

  /**
   * Enqueues the call of a timer after the waiting messages, even when the mailbox is full.
   * @param budget limits the calls that idle mailboxes handle at once: many timers may be due in one turn.
   */
  enqueueTimer(call: TimerCall, budget: Budget = unlimited): void {
    if (this.#closed) return;
    if (!this.#busy && budget.hasTime) {
      budget.charge(1);
      this.#handle(call, budget);
      return;
    }
    this.#messages ??= new MessageBacklog(this.#settings);
    this.#messages.enqueueTimer(call);
    if (!this.#busy) this.#schedule();
  }

  /** Drops all waiting items and refuses new ones. Returns their number, without the calls of timers. */
  close(): number {
    const dropped = (this.#frames?.size ?? 0) + (this.#messages?.clear() ?? 0);
    this.#closed = true;
    this.#priorityWork = undefined;
    this.#frames?.clear();
    this.#addLength(-this.#frameLength);
    // The client's answer to a close frame arrives after its other frames, so reading has to resume.
    if (this.#paused) this.#owner.resume();
    return dropped;
  }

  whenIdle(): Promise<void> {
    if (!this.#busy) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onIdle = resolve;
    });
  }

  /** Called by the scheduler in a later turn, for the items that wait. */
  run(budget: Budget): true {
    this.#isScheduled = false;
    if (!this.#isPending)
      this.#handle(this.#priorityWork === undefined ? this.#take(budget) : undefined, budget);
    return true;
  }

  /**
   * Calls `then` once all waiting frames are handled, or a handler has been pending for a whole turn of the
   * event loop. Called when the client has disconnected.
   */
  drain(then: () => void): void {
    let waiting = this.#frames?.size ?? 0;
    if (waiting === 0) {
      then();
      return;
    }
    const run = (): boolean => {
      const size = this.#frames?.size ?? 0;
      const isGoingOn = !this.#isPending || size < waiting;
      waiting = size;
      if (size > 0 && isGoingOn) return false;
      then();
      return true;
    };
    this.#scheduler.mailboxes.add({ run });
  }

  #addLength(length: number): void {
    this.#frameLength += length;
    this.#settings.waitingFrames.length += length;
  }

  /** Whether the waiting frames of all actors are too long. A client is not paused then while it has no waiting frame. */
  get #isNodeFull(): boolean {
    const { length, maxLength } = this.#settings.waitingFrames;
    return length > maxLength;
  }

  #schedule(): void {
    this.#busy = true;
    this.#isPending = false;
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    const { backlogs, mailboxes } = this.#scheduler;
    (this.#frameLength > backlogLength ? backlogs : mailboxes).add(this);
  }

  /** Handles `first`, and then the waiting items that this turn has time for. */
  #handle(first: Item | undefined, budget?: Budget): void {
    this.#busy = true;
    this.#isPending = true;
    for (let item = first; item !== undefined; item = this.#next(budget)) {
      if (this.#handleOne(item)) return;
      if (this.#priorityWork !== undefined) break;
    }
    const work = this.#priorityWork;
    if (work !== undefined) {
      this.#priorityWork = undefined;
      this.#begun += 1;
      this.#await(work());
    } else if (this.size > 0) {
      this.#schedule();
    } else {
      this.#busy = false;
      this.#onIdle?.();
    }
  }

  /** @returns whether the item has a handler that is not settled yet. */
  #handleOne(item: Item): boolean {
    this.#begun += 1;
    try {
      const result = this.#owner.handle(item);
      if (!isPromise(result)) return false;
      this.#await(result, item);
      return true;
    } catch (error) {
      this.#owner.failed(error, item);
      return false;
    }
  }

  #await(work: PromiseLike<unknown>, item?: Item): void {
    const next = () => this.#handle(this.#priorityWork === undefined ? this.#next() : undefined);
    work.then(next, (error: unknown) => {
      this.#owner.failed(error, item);
      next();
    });
  }

  /** Charges the turn for the previous item, and takes the next one if the turn has time for it. */
  #next(given?: Budget): Item | undefined {
    if (this.size === 0) return undefined;
    const budget = given ?? this.#scheduler.inlineBudget();
    budget.charge(1);
    return budget.hasTime ? this.#take(budget) : undefined;
  }

  #take(budget: Budget): Item | undefined {
    const frames = this.#frames?.size ?? 0;
    const messages = this.#messages?.size ?? 0;
    const messagesPerFrame = this.#isHalfFull ? this.#settings.capacity : 1;
    const isFrameNext = messages === 0 || this.#messagesSinceFrame >= messagesPerFrame;
    if (frames === 0 || !isFrameNext || !this.#mayTakeFrame(budget)) {
      this.#messagesSinceFrame += 1;
      return this.#shiftMessage();
    }
    this.#messagesSinceFrame = 0;
    const frame = this.#frames?.shift();
    this.#onShift();
    this.#addLength(-(frame?.length ?? 0));
    const isHalf =
      frames - 1 <= this.#settings.frameHighWaterMark / 2 && this.#frameLength <= maxFrameLength / 2;
    if (this.#paused && isHalf && (frames === 1 || !this.#isNodeFull)) {
      this.#paused = false;
      this.#owner.resume();
    }
    return frame;
  }

  #shiftMessage(): Item | undefined {
    this.#onShift();
    return this.#messages?.shift();
  }

  /** Measures the wait of the item that was enqueued last, unless another item is measured. */
  #probeWait(): void {
    this.#probe ??= { since: this.#scheduler.now(), ahead: this.size - 1 };
  }

  /** Called when one item has ceased to wait. If it may have overtaken others, the wait is an estimate. */
  #onShift(): void {
    const probe = this.#probe;
    if (probe === undefined) return;
    probe.ahead -= 1;
    if (probe.ahead >= 0) return;
    this.#probe = undefined;
    this.#owner.waited?.(this.#scheduler.now() - probe.since);
  }

  get #isHalfFull(): boolean {
    return (this.#messages?.messages ?? 0) >= this.#settings.capacity / 2;
  }

  /** Takes one frame from this mailbox's share of the turn. Returns false if the share is used up. */
  #mayTakeFrame(budget: Budget): boolean {
    if (budget === unlimited) return true;
    const { turn } = this.#scheduler;
    if (turn !== this.#turn) {
      this.#turn = turn;
      this.#framesLeft = framesPerTurn;
    }
    if (this.#framesLeft === 0) return false;
    this.#framesLeft -= 1;
    return true;
  }
}
