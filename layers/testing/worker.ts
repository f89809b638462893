import type { JobDelivery, Message } from "../contract.ts";

/** A message that a handler began to work on. */
export interface BegunJob {
  readonly message: Message;
  readonly delivery: JobDelivery;
}

/** A handler that keeps what it gets, does what a spec says with it, and lets a spec wait for it. */
export class Worker {
  readonly begun: BegunJob[] = [];
  /** How many run now, and how many ran at once at most. */
  running = 0;
  most = 0;
  readonly #work: (job: BegunJob) => unknown;
  readonly #waiting = new Set<() => void>();

  /** @param work what is done with each message. @default nothing, which succeeds */
  constructor(work: (job: BegunJob) => unknown = () => {}) {
    this.#work = work;
  }

  /** What to hand to `consume`. */
  readonly handle = async (message: Message, delivery: JobDelivery): Promise<void> => {
    const job = { message, delivery };
    this.begun.push(job);
    this.running += 1;
    this.most = Math.max(this.most, this.running);
    this.#check();
    try {
      await this.#work(job);
    } finally {
      this.running -= 1;
      this.#check();
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

  /** Resolves once `holds` does, which is asked again whenever a handler begins or ends. */
  until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = () => {
        if (!holds()) return;
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
      check();
    });
  }

  #check(): void {
    for (const check of this.#waiting) check();
  }
}
