import type { Frame } from "../actors/index.ts";
import type { Gap, Mail } from "../layers/contract.ts";
import type { Limits } from "./limits.ts";

/** What waits in a mailbox: a client's frame, a layer's message, or a layer's word that messages may be missing. */
export type Item = Frame | Mail | Gap;

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

const compactFrom = 512;

/**
 * A bounded FIFO in front of one actor: items are handled one at a time, in the order they came. When nothing waits,
 * an item goes straight through.
 */
export class Mailbox {
  readonly #owner: MailboxOwner;
  readonly #limits: Pick<Limits, "mailboxCapacity" | "frameMark">;
  #waiting: Item[] = [];
  #head = 0;
  #messages = 0;
  #paused = false;
  #busy = true;
  #closed = false;
  #onIdle: (() => void) | undefined;

  constructor(owner: MailboxOwner, limits: Pick<Limits, "mailboxCapacity" | "frameMark">) {
    this.#owner = owner;
    this.#limits = limits;
  }

  /** How many items wait; the one being handled is not among them. */
  get size(): number {
    return this.#waiting.length - this.#head;
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

  /** Takes a frame or a gap, which are never refused. On a closed mailbox it does nothing and returns false. */
  put(item: Frame | Gap): boolean {
    if (this.#closed) return false;
    this.#add(item);
    if (!this.#paused && this.#frames > this.#limits.frameMark) {
      this.#paused = true;
      this.#owner.pause();
    }
    return true;
  }

  /** Takes a message, unless as many wait as may, or the mailbox is closed: then it returns false. */
  post(mail: Mail): boolean {
    if (this.#closed || this.#messages >= this.#limits.mailboxCapacity) return false;
    this.#add(mail);
    return true;
  }

  /** Drops what waits and takes nothing any more. Returns how many items it dropped. */
  close(): number {
    const dropped = this.size;
    this.#closed = true;
    this.#clear();
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

  get #frames(): number {
    return this.size - this.#messages;
  }

  #add(item: Item): void {
    if (!this.#busy) {
      this.#run(item);
      return;
    }
    if (isMail(item)) this.#messages++;
    this.#waiting.push(item);
  }

  #take(): Item | undefined {
    if (this.#head === this.#waiting.length) {
      if (this.#head > 0) this.#clear();
      return undefined;
    }
    const item = this.#waiting[this.#head++];
    // Half of a long list is behind the head: let it go, so that a mailbox that never runs empty does not grow.
    if (this.#head >= compactFrom && this.#head * 2 >= this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#head);
      this.#head = 0;
    }
    if (item !== undefined && isMail(item)) this.#messages--;
    if (this.#paused && this.#frames <= this.#limits.frameMark / 2) {
      this.#paused = false;
      this.#owner.resume();
    }
    return item;
  }

  #run(first: Item | undefined): void {
    this.#busy = true;
    for (let item = first; item !== undefined; item = this.#take()) {
      try {
        const result = this.#owner.handle(item);
        if (isPromise(result)) {
          this.#await(result, item);
          return;
        }
      } catch (error) {
        this.#owner.failed(error, item);
      }
    }
    this.#busy = false;
    this.#onIdle?.();
  }

  #await(work: PromiseLike<unknown>, item?: Item): void {
    const next = () => this.#run(this.#take());
    work.then(next, (error: unknown) => {
      this.#owner.failed(error, item);
      next();
    });
  }

  #clear(): void {
    this.#waiting = [];
    this.#head = 0;
    this.#messages = 0;
  }
}

const isMail = (item: Item): item is Mail => typeof item === "object" && "message" in item;

const isPromise = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
