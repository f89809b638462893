import type { Consumption, JobOutcome, QueueReceiver } from "../backend.ts";
import type { Clock } from "../clock.ts";
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
  /** Makes pending and later calls of {@link take} resolve without waiting for jobs. */
  interrupt(): void;
  /** Removes the job. Returns false if another worker has removed it, or has declared it dead. */
  done(claim: C): Promise<boolean>;
  /** Declares the job dead: other workers can no longer remove it. Returns undefined if one has the job. */
  condemn(claim: C): Promise<C | undefined>;
  /** Returns a claim for the job's next attempt, or undefined if another worker has the job. */
  again(claim: C): Promise<C | undefined>;
  bury(claim: C): Promise<void>;
  /** Returns the job to the queue. If `unbegun` is true, this attempt does not count. */
  release(claim: C, unbegun: boolean): Promise<void>;
  close(): Promise<void>;
}

/** Processes up to `concurrency` jobs at a time. To keep the order, jobs that wait for a retry count too. */
export class JobWorker<C extends Claim> implements Consumption {
  readonly #source: JobSource<C>;
  readonly #receiver: QueueReceiver;
  readonly #concurrency: number;
  readonly #clock: Clock;
  /** The jobs that are being processed or wait for a retry. */
  readonly #busy = new Set<C>();
  readonly #closing = new AbortController();
  readonly #loop: Promise<void>;
  #slotFree = () => {};
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
    for (const claim of this.#busy) claim.abandoned.abort();
    this.#slotFree();
    await this.#loop;
    while (this.#busy.size > 0) await this.#nextFree();
    await this.#source.close();
  }

  async #run(): Promise<void> {
    while (!this.#isClosing) {
      const free = this.#concurrency - this.#busy.size;
      if (free === 0) {
        await this.#nextFree();
        continue;
      }
      for (const claim of await this.#source.take(free)) {
        if (this.#isClosing) await this.#source.release(claim, true);
        else void this.#work(claim);
      }
    }
  }

  async #work(claim: C): Promise<void> {
    let current: C | undefined = claim;
    while (current !== undefined) {
      this.#busy.add(current);
      const { payload, attempt, abandoned, ageMs } = current;
      const work = () => this.#receiver.job(payload, attempt, abandoned.signal, ageMs);
      const outcome = await current.run(work);
      const next = await this.#settle(current, outcome);
      this.#busy.delete(current);
      current = next;
    }
    this.#slotFree();
  }

  /** Applies the receiver's outcome. Returns the job's next attempt if this worker has to make it. */
  async #settle(claim: C, outcome: JobOutcome): Promise<C | undefined> {
    if (outcome === "done") await this.#source.done(claim);
    else if (outcome === "dead") await this.#source.bury(claim);
    else if (typeof outcome === "object" && "afterDone" in outcome) {
      if (await this.#source.done(claim)) await outcome.afterDone();
    } else if (typeof outcome === "object" && "beforeDead" in outcome) {
      const condemned = await this.#source.condemn(claim);
      if (condemned === undefined) return undefined;
      await outcome.beforeDead();
      await this.#source.bury(condemned);
    }
    // An aborted attempt counts only if it is the first, so that shutdowns do not use up all deliveries.
    else if (outcome === "given-back") await this.#source.release(claim, claim.attempt > 1);
    else {
      await pause(outcome.againAfterMs, this.#clock, this.#closing.signal);
      if (this.#isClosing) await this.#source.release(claim, false);
      else return this.#nextAttempt(claim);
    }
    return undefined;
  }

  async #nextAttempt(claim: C): Promise<C | undefined> {
    const next = await this.#source.again(claim);
    if (next === undefined || !this.#isClosing) return next;
    await this.#source.release(next, true);
    return undefined;
  }

  #nextFree(): Promise<void> {
    return new Promise((resolve) => {
      this.#slotFree = resolve;
    });
  }
}
