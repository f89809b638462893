import type { Frame, Overflow } from "../../actors/index.ts";
import type { Gap, Mail } from "../../layers/message.ts";
import type { MailboxSettings } from "../consumer-settings.ts";
import { Fifo } from "./fifo.ts";
import { Backlog, type Taken } from "./message-backlog.ts";

/** What waits in a mailbox: a client's frame, a layer's message, or word that messages are missing just here. */
export type Item = Frame | Mail | Gap | Overflow;

/** Whose mailbox it is. */
export interface MailboxOwner {
  /** Handles one item. A promise is awaited before the next one. */
  handle(item: Item): unknown;
  /** Handling `item` threw or rejected; without an item, it was what the mailbox began with. MUST NOT throw. */
  failed(error: unknown, item?: Item): void;
  /** So many frames wait that the client should. */
  pause(): void;
  /** The client may go on. */
  resume(): void;
}

/**
 * What waits for one actor, handled one at a time: frames in the order they came, messages in the order they came, and
 * where both wait, in turn. So neither a client that sends much nor a busy group keeps the other waiting, and what a
 * client's own frames bring about does not pile up behind those that still wait. When nothing waits, an item goes
 * straight through.
 */
export class Mailbox {
  readonly #owner: MailboxOwner;
  readonly #settings: MailboxSettings;
  // Most actors never have anything that waits.
  #frames: Fifo<Frame> | undefined;
  #messages: Backlog | undefined;
  #urgent: (() => Promise<void>) | undefined;
  #frameIsNext = true;
  #paused = false;
  #busy = true;
  #closed = false;
  #onIdle: (() => void) | undefined;

  constructor(owner: MailboxOwner, settings: MailboxSettings) {
    this.#owner = owner;
    this.#settings = settings;
  }

  /** How many items wait; the one being handled is not among them. */
  get size(): number {
    return (this.#frames?.size ?? 0) + (this.#messages?.size ?? 0);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Whether something is being handled, `first` included. */
  get busy(): boolean {
    return this.#busy;
  }

  /** Handles nothing before `first` has settled: a consumer's `connect`. */
  start(first: Promise<void>): void {
    this.#await(first);
  }

  /** Takes a frame, however many wait; its client is paused above the mark. Returns false if the mailbox is closed. */
  putFrame(frame: Frame): boolean {
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

  /** Does `work` before anything else is handled: now, or once what is being handled is done. It MUST NOT reject. */
  interject(work: () => Promise<void>): void {
    if (this.#closed) return;
    if (this.#busy) {
      this.#urgent = work;
    } else {
      this.#busy = true;
      this.#await(work());
    }
  }

  /** Takes a message; where as many wait as may, its policy decides. If nothing is being handled, it is handled now. */
  putMessage(mail: Mail): Taken {
    if (this.#closed) return "refused";
    if (this.#busy) {
      this.#messages ??= new Backlog(this.#settings);
      return this.#messages.put(mail);
    }
    this.#run(mail);
    return "taken";
  }

  /** Takes word of a gap, in its place among the messages, however many wait. */
  putGap(gap: Gap): void {
    if (this.#closed) return;
    if (this.#busy) {
      this.#messages ??= new Backlog(this.#settings);
      this.#messages.putGap(gap);
    } else {
      this.#run(gap);
    }
  }

  /** Drops what waits and takes nothing any more. Returns how many items it dropped. */
  close(): number {
    const dropped = this.size;
    this.#closed = true;
    this.#urgent = undefined;
    this.#frames?.clear();
    this.#messages?.clear();
    // A closing handshake has to be read, too.
    if (this.#paused) this.#owner.resume();
    return dropped;
  }

  /** Resolves once nothing is being handled. */
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
      if (this.#urgent !== undefined) break;
    }
    if (this.#urgent === undefined) {
      this.#busy = false;
      this.#onIdle?.();
    } else {
      const work = this.#urgent;
      this.#urgent = undefined;
      this.#await(work());
    }
  }

  #await(work: PromiseLike<unknown>, item?: Item): void {
    const next = () => this.#run(this.#urgent === undefined ? this.#next() : undefined);
    work.then(next, (error: unknown) => {
      this.#owner.failed(error, item);
      next();
    });
  }
}

/** Whether something has to be awaited. */
export const isPromise = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
