import type { JobDelivery } from "../backend.ts";
import type { Message } from "../message.ts";
import { Watched } from "./waiting.ts";

/** A call of a {@link Worker}. */
export interface BegunJob {
  readonly message: Message;
  readonly delivery: JobDelivery;
}

/** A job handler that records its calls, and lets a spec wait for them. */
export class Worker extends Watched {
  /** The calls, in the order in which they began. */
  readonly begun: BegunJob[] = [];
  /** The number of calls that run now. */
  running = 0;
  /** The maximum number of calls that ran at the same time. */
  most = 0;
  readonly #work: (job: BegunJob) => unknown;

  /** @param work handles each message. The default does nothing. */
  constructor(work: (job: BegunJob) => unknown = () => {}) {
    super();
    this.#work = work;
  }

  /** The handler to pass to `consume`. */
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

  /** The property `number` of the message of each call. */
  get numbers(): unknown[] {
    return this.begun.map(({ message }) => message.number);
  }

  /** The number and attempt of each message, in the order in which the attempts began. */
  get attempts(): [number: unknown, attempt: number][] {
    return this.begun.map(({ message, delivery }) => [message.number, delivery.attempt]);
  }

  /** Resolves once the worker has begun `count` attempts in total. */
  hasBegun(count: number): Promise<void> {
    return this.until(() => this.begun.length >= count);
  }
}
