import type { Consumption, JobOutcome, QueueReceiver } from "../backend.ts";
import type { Clock } from "../clock.ts";
import { pause } from "../retry.ts";

/** One job in the hands of one worker. */
export abstract class Claim {
  /** How long ago the job was sent, in milliseconds. */
  abstract readonly ageMs: number;
  readonly payload: Uint8Array;
  readonly attempt: number;
  /** Aborted by the worker that closes, and by the source that learns that the job is somebody else's by now. */
  readonly abandoned = new AbortController();

  constructor(payload: Uint8Array, attempt: number) {
    this.payload = payload;
    this.attempt = attempt;
  }
}

/** Where a worker gets its jobs, and what it does with them. A source deals with outages itself: nothing rejects. */
export interface JobSource<C extends Claim> {
  /** Up to `limit` jobs, as soon as there are any; none after {@link interrupt}. */
  take(limit: number): Promise<readonly C[]>;
  /** Makes {@link take} settle soon, now and from now on. */
  interrupt(): void;
  /** The job is done, and gone. */
  done(claim: C): Promise<void>;
  /** The job's next attempt, or nothing if it is somebody else's by now. */
  again(claim: C): Promise<C | undefined>;
  /** Moves the job to the dead letters. */
  bury(claim: C): Promise<void>;
  /** Gives the job to whoever takes next: as it was if it is `unbegun`, else for another attempt. */
  release(claim: C, unbegun: boolean): Promise<void>;
  close(): Promise<void>;
}

/**
 * Works on the jobs of a source, up to `concurrency` at once. It takes what it can begin at once and no more, and a
 * job that is tried again keeps its slot meanwhile: with one slot, jobs are done in the order they came.
 */
export class JobWorker<C extends Claim> implements Consumption {
  readonly #source: JobSource<C>;
  readonly #receiver: QueueReceiver;
  readonly #concurrency: number;
  readonly #clock: Clock;
  /** The jobs that are worked on or wait to be tried again. */
  readonly #busy = new Set<C>();
  /** Aborted when the worker closes, which ends all waits. */
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
      const outcome = await this.#receiver.job(payload, attempt, abandoned.signal, ageMs);
      const next = await this.#settle(current, outcome);
      this.#busy.delete(current);
      current = next;
    }
    this.#slotFree();
  }

  /** Does what the receiver decided. Gives the job's next attempt, if there is one here. */
  async #settle(claim: C, outcome: JobOutcome): Promise<C | undefined> {
    if (outcome === "done") await this.#source.done(claim);
    else if (outcome === "dead") await this.#source.bury(claim);
    // It was begun, which costs the first attempt and no other: workers may come and go as often as they like.
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
