import type { Frame, Overflow } from "../../actors/index.ts";
import type { Gap, Mail } from "../../layers/message.ts";
import type { MailboxSettings } from "../consumer-settings.ts";
import { Fifo } from "../../layers/fifo.ts";
import { type EnqueueResult, MessageBacklog } from "./message-backlog.ts";

/** A client's frame, a layer's message, or a notice in place of lost messages. */
export type Item = Frame | Mail | Gap | Overflow;

export interface MailboxOwner {
  /** Handles one item. If this returns a promise, the mailbox awaits it before it handles the next item. */
  handle(item: Item): unknown;
  /** Handling `item` failed. Without `item`, the promise given to `start` was rejected. MUST NOT throw. */
  failed(error: unknown, item?: Item): void;
  /** Called when the waiting frames exceed the high-water mark. Pauses the client. */
  pause(): void;
  /** Called when the number of waiting frames is down to half of the high-water mark. Resumes the client. */
  resume(): void;
}

/**
 * The queue of one actor. Items are handled one at a time. An idle actor handles a new item immediately.
 * Waiting frames and messages are handled alternately, each kind in the order of arrival. So a fast client
 * does not delay messages, and a busy group does not delay frames.
 */
export class Mailbox {
  readonly #owner: MailboxOwner;
  readonly #settings: MailboxSettings;
  // Created on demand, because most actors never need a queue.
  #frames: Fifo<Frame> | undefined;
  #messages: MessageBacklog | undefined;
  #priorityWork: (() => Promise<void>) | undefined;
  #frameIsNext = true;
  #paused = false;
  #busy = true;
  #closed = false;
  #onIdle: (() => void) | undefined;

  constructor(owner: MailboxOwner, settings: MailboxSettings) {
    this.#owner = owner;
    this.#settings = settings;
  }

  /** The number of waiting items. The item that is being handled does not count. */
  get size(): number {
    return (this.#frames?.size ?? 0) + (this.#messages?.size ?? 0);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Whether an item is being handled, or `first` of {@link start} is pending. */
  get busy(): boolean {
    return this.#busy;
  }

  /** Starts to handle items once `first`, the consumer's `connect`, has settled. */
  start(first: Promise<void>): void {
    this.#await(first);
  }

  /** Enqueues a frame. Pauses the client above the high-water mark. Returns false in a closed mailbox. */
  enqueueFrame(frame: Frame): boolean {
    if (this.#closed) return false;
    if (!this.#busy) {
      this.#run(frame);
      return true;
    }
    this.#frames ??= new Fifo();
    this.#frames.push(frame);
    if (!this.#paused && this.#frames.size > this.#settings.frameHighWaterMark) {
      this.#paused = true;
      this.#owner.pause();
    }
    return true;
  }

  /** Runs `work` before all waiting items, but after the current item. `work` MUST NOT reject. */
  runNext(work: () => Promise<void>): void {
    if (this.#closed) return;
    if (this.#busy) {
      this.#priorityWork = work;
    } else {
      this.#busy = true;
      this.#await(work());
    }
  }

  /** Enqueues a message. Applies the overflow policy when the mailbox is full. */
  enqueueMessage(mail: Mail): EnqueueResult {
    if (this.#closed) return "refused";
    if (this.#busy) {
      this.#messages ??= new MessageBacklog(this.#settings);
      return this.#messages.enqueue(mail);
    }
    this.#run(mail);
    return "enqueued";
  }

  /** Enqueues a gap after the waiting messages, even when the mailbox is full. */
  enqueueGap(gap: Gap): void {
    if (this.#closed) return;
    if (this.#busy) {
      this.#messages ??= new MessageBacklog(this.#settings);
      this.#messages.enqueueGap(gap);
    } else {
      this.#run(gap);
    }
  }

  /** Drops all waiting items and refuses new ones. Returns the number of dropped items. */
  close(): number {
    const dropped = this.size;
    this.#closed = true;
    this.#priorityWork = undefined;
    this.#frames?.clear();
    this.#messages?.clear();
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

  #next(): Item | undefined {
    const frames = this.#frames?.size ?? 0;
    const messages = this.#messages?.size ?? 0;
    const takeFrame = messages === 0 || (this.#frameIsNext && frames > 0);
    this.#frameIsNext = !takeFrame;
    if (!takeFrame) return this.#messages?.shift();
    const frame = this.#frames?.shift();
    if (this.#paused && frames - 1 <= this.#settings.frameHighWaterMark / 2) {
      this.#paused = false;
      this.#owner.resume();
    }
    return frame;
  }

  #run(first: Item | undefined): void {
    this.#busy = true;
    for (let item = first; item !== undefined; item = this.#next()) {
      try {
        const result = this.#owner.handle(item);
        if (isPromise(result)) {
          this.#await(result, item);
          return;
        }
      } catch (error) {
        this.#owner.failed(error, item);
      }
      if (this.#priorityWork !== undefined) break;
    }
    if (this.#priorityWork === undefined) {
      this.#busy = false;
      this.#onIdle?.();
    } else {
      const work = this.#priorityWork;
      this.#priorityWork = undefined;
      this.#await(work());
    }
  }

  #await(work: PromiseLike<unknown>, item?: Item): void {
    const next = () => this.#run(this.#priorityWork === undefined ? this.#next() : undefined);
    work.then(next, (error: unknown) => {
      this.#owner.failed(error, item);
      next();
    });
  }
}

export const isPromise = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
