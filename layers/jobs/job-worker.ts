import type { Consumption, QueueReceiver } from "../backend.ts";
import type { Clock } from "../clock.ts";
import { Fifo } from "../fifo.ts";
import { pause } from "../retry.ts";

/** One attempt at a job, held by one worker. */
export abstract class Claim {
  abstract readonly ageMs: number;
  readonly payload: Uint8Array;
  readonly attempt: number;
  /** Aborted when the worker closes, and when the source learns that another worker has the job. */
  readonly abandoned = new AbortController();

  constructor(payload: Uint8Array, attempt: number) {
    this.payload = payload;
    this.attempt = attempt;
  }
}

/** The supply of jobs for a worker. A source handles outages itself, so its methods never reject. */
export interface JobSource<C extends Claim> {
  /** Waits for jobs and resolves to at most `limit` of them. After {@link interrupt}, resolves to `[]`. */
  take(limit: number): Promise<readonly C[]>;
  /** Makes a pending call of {@link take} resolve soon, even without jobs. */
  wake(): void;
  /** Makes pending and later calls of {@link take} resolve without waiting for jobs. */
  interrupt(): void;
  done(claim: C): Promise<void>;
  /** Returns a claim for the job's next attempt, or undefined if another worker has the job. */
  again(claim: C): Promise<C | undefined>;
  bury(claim: C): Promise<void>;
  /** Returns the job to the queue. If `unbegun` is true, this attempt does not count. */
  release(claim: C, unbegun: boolean): Promise<void>;
  close(): Promise<void>;
}

/** The maximum number of jobs that wait for a retry without a slot. Their claims are renewed. */
const maxWaiting = 1_000;

/**
 * Processes up to `concurrency` jobs at a time, each in one slot. A job that waits for a retry needs no slot,
 * unless too many jobs wait. When its pause has passed, the job gets the next free slot.
 */
export class JobWorker<C extends Claim> implements Consumption {
  readonly #source: JobSource<C>;
  readonly #receiver: QueueReceiver;
  readonly #concurrency: number;
  readonly #clock: Clock;
  /** The claims whose jobs are being processed. */
  readonly #running = new Set<C>();
  /** The failed jobs without a slot whose pause has passed, oldest first. */
  readonly #due = new Fifo<C>();
  readonly #closing = new AbortController();
  readonly #loop: Promise<void>;
  #usedSlots = 0;
  /** The number of failed jobs without a slot. */
  #waiting = 0;
  #wakeUp = () => {};
  #closed: Promise<void> | undefined;

  constructor(source: JobSource<C>, receiver: QueueReceiver, concurrency: number, clock: Clock) {
    this.#source = source;
    this.#receiver = receiver;
    this.#concurrency = concurrency;
    this.#clock = clock;
    this.#loop = this.#run();
  }

  get #isClosing(): boolean {
    return this.#closing.signal.aborted;
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    this.#source.interrupt();
    for (const claim of this.#running) claim.abandoned.abort();
    this.#wakeUp();
    await this.#loop;
    while (this.#usedSlots + this.#waiting > 0) await this.#nextChange();
    await this.#source.close();
  }

  async #run(): Promise<void> {
    while (!this.#isClosing) {
      const free = this.#concurrency - this.#usedSlots;
      const due = free > 0 ? this.#due.shift() : undefined;
      if (free === 0) await this.#nextChange();
      else if (due !== undefined) this.#occupySlot(() => this.#retryDue(due));
      else {
        for (const claim of await this.#source.take(free)) this.#occupySlot(() => this.#process(claim));
      }
    }
    for (let due = this.#due.shift(); due !== undefined; due = this.#due.shift()) void this.#stopWaiting(due);
  }

  #occupySlot(work: () => Promise<void>): void {
    this.#usedSlots += 1;
    void work().then(() => {
      this.#usedSlots -= 1;
      this.#wakeUp();
    });
  }

  async #process(claim: C): Promise<void> {
    if (this.#isClosing) return this.#source.release(claim, true);
    const { payload, attempt, abandoned, ageMs } = claim;
    this.#running.add(claim);
    const outcome = await this.#receiver.job(payload, attempt, abandoned.signal, ageMs);
    this.#running.delete(claim);
    if (outcome === "done") return this.#source.done(claim);
    if (outcome === "dead") return this.#source.bury(claim);
    // An aborted attempt counts only if it is the first, so that shutdowns do not use up all deliveries.
    if (outcome === "given-back") return this.#source.release(claim, attempt > 1);
    if (this.#waiting < maxWaiting) return void this.#waitWithoutSlot(claim, outcome.againAfterMs);
    await pause(outcome.againAfterMs, this.#clock, this.#closing.signal);
    return this.#retry(claim);
  }

  async #waitWithoutSlot(claim: C, ms: number): Promise<void> {
    this.#waiting += 1;
    await pause(ms, this.#clock, this.#closing.signal);
    if (this.#isClosing) return this.#stopWaiting(claim);
    this.#due.push(claim);
    this.#source.wake();
    this.#wakeUp();
  }

  async #stopWaiting(claim: C): Promise<void> {
    await this.#source.release(claim, false);
    this.#waiting -= 1;
    this.#wakeUp();
  }

  #retryDue(claim: C): Promise<void> {
    this.#waiting -= 1;
    return this.#retry(claim);
  }

  /** Begins the job's next attempt, in the slot of the caller. */
  async #retry(claim: C): Promise<void> {
    if (this.#isClosing) return this.#source.release(claim, false);
    const next = await this.#source.again(claim);
    if (next !== undefined) await this.#process(next);
  }

  #nextChange(): Promise<void> {
    return new Promise((resolve) => {
      this.#wakeUp = resolve;
    });
  }
}
