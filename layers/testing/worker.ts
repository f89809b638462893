import type { JobDelivery } from "../backend.ts";
import type { Message } from "../message.ts";
import { Watched } from "./waiting.ts";

/** A message that a handler began to work on. */
export interface BegunJob {
  readonly message: Message;
  readonly delivery: JobDelivery;
}

/** A handler that keeps what it gets, does what a spec says with it, and lets a spec wait for it. */
export class Worker extends Watched {
  readonly begun: BegunJob[] = [];
  /** How many run now, and how many ran at once at most. */
  running = 0;
  most = 0;
  readonly #work: (job: BegunJob) => unknown;

  /** @param work what is done with each message. @default nothing, which succeeds */
  constructor(work: (job: BegunJob) => unknown = () => {}) {
    super();
    this.#work = work;
  }

  /** What to hand to `consume`. */
  readonly handle = async (message: Message, delivery: JobDelivery): Promise<void> => {
    const job = { message, delivery };
    this.begun.push(job);
    this.running += 1;
    this.most = Math.max(this.most, this.running);
    this.changed();
    try {
      await this.#work(job);
    } finally {
      this.running -= 1;
      this.changed();
    }
  };

  get numbers(): unknown[] {
    return this.begun.map(({ message }) => message.number);
  }

  /** Number and attempt of each message, in the order begun. */
  get attempts(): [number: unknown, attempt: number][] {
    return this.begun.map(({ message, delivery }) => [message.number, delivery.attempt]);
  }

  /** Resolves once `count` messages have been begun, in all. */
  hasBegun(count: number): Promise<void> {
    return this.until(() => this.begun.length >= count);
  }
}
