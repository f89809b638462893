import type { Consumption, JobOutcome, QueueReceiver } from "../backend.ts";
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

  /** Runs the handler of the job. A source may delay the handler, or do other work around it. */
  run<T>(work: () => Promise<T>): Promise<T> {
    return work();
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
  /** Removes the job. Returns false if another worker has removed it, or has declared it dead. */
  done(claim: C): Promise<boolean>;
  /** Returns a claim for a job that waits for a retry, or undefined if another worker has the job. */
  suspend(claim: C): Promise<C | undefined>;
  /** Returns a claim for the job's next attempt, or undefined if another worker has the job. */
  again(claim: C): Promise<C | undefined>;
  /**
   * Prevents other workers from removing the job. Returns undefined if one has the job. If `unbegun` is true and
   * the process dies, this attempt does not count.
   */
  condemn(claim: C, unbegun: boolean): Promise<C | undefined>;
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
    this.#running.add(claim);
    const outcome = await claim.run(() => this.#outcomeOf(claim));
    this.#running.delete(claim);
    await this.#settle(claim, outcome);
  }

  async #outcomeOf({ payload, attempt, abandoned, ageMs }: C): Promise<JobOutcome | "unbegun"> {
    if (this.#isClosing) return "unbegun";
    return this.#receiver.job(payload, attempt, abandoned.signal, ageMs);
  }

  async #settle(claim: C, outcome: JobOutcome | "unbegun"): Promise<void> {
    if (outcome === "done") await this.#source.done(claim);
    else if (outcome === "dead") await this.#source.bury(claim);
    else if (outcome === "unbegun") await this.#source.release(claim, true);
    // An aborted attempt counts only if it is the first, so that shutdowns do not use up all deliveries.
    else if (outcome === "given-back") await this.#source.release(claim, claim.attempt > 1);
    else if ("afterDone" in outcome) {
      if (await this.#source.done(claim)) await outcome.afterDone();
    } else if ("beforeDone" in outcome) {
      const condemned = await this.#condemn(claim, true, outcome.beforeDone);
      if (condemned !== undefined) await this.#source.done(condemned);
    } else if ("beforeDead" in outcome) {
      const condemned = await this.#condemn(claim, false, outcome.beforeDead);
      if (condemned !== undefined) await this.#source.bury(condemned);
    } else if (this.#waiting < maxWaiting) void this.#waitWithoutSlot(claim, outcome.againAfterMs);
    else await this.#retry(await this.#wait(claim, outcome.againAfterMs));
  }

  /** Calls `tell`, unless another worker has the job. */
  async #condemn(claim: C, unbegun: boolean, tell: () => Promise<void>): Promise<C | undefined> {
    const condemned = await this.#source.condemn(claim, unbegun);
    if (condemned !== undefined) await tell();
    return condemned;
  }

  async #waitWithoutSlot(claim: C, ms: number): Promise<void> {
    this.#waiting += 1;
    const waiting = await this.#wait(claim, ms);
    if (this.#isClosing || waiting === undefined) return this.#stopWaiting(waiting);
    this.#due.push(waiting);
    this.#source.wake();
    this.#wakeUp();
  }

  /** Returns the claim of the job after the pause. Returns undefined if another worker has the job. */
  async #wait(claim: C, ms: number): Promise<C | undefined> {
    const paused = pause(ms, this.#clock, this.#closing.signal);
    const [waiting] = await Promise.all([this.#source.suspend(claim), paused]);
    return waiting;
  }

  async #stopWaiting(claim: C | undefined): Promise<void> {
    if (claim !== undefined) await this.#source.release(claim, false);
    this.#waiting -= 1;
    this.#wakeUp();
  }

  #retryDue(claim: C): Promise<void> {
    this.#waiting -= 1;
    return this.#retry(claim);
  }

  /** Begins the job's next attempt, in the slot of the caller. */
  async #retry(claim: C | undefined): Promise<void> {
    if (claim === undefined) return;
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
