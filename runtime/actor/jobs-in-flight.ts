import type { Clock } from "../../layers/clock.ts";
import type { Message } from "../../layers/message.ts";
import { timeOf } from "../deadline.ts";

/** A job whose outcome has not arrived after this time, in milliseconds, no longer counts: it may have been lost. */
const forgetMs = 600_000;

/**
 * The jobs that one actor has submitted and whose outcome it has not received: the message `job_done` or
 * `job_failed`.
 */
export class JobsInFlight {
  readonly #clock: Clock;
  /** For each job, the time until which it counts. The oldest job is first. */
  readonly #jobs = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Forgets the jobs whose outcome was lost, and returns the number of the others. */
  get count(): number {
    const now = timeOf(this.#clock);
    for (const [job, until] of this.#jobs) {
      if (now < until) break;
      this.#jobs.delete(job);
    }
    return this.#jobs.size;
  }

  add(job: string): void {
    this.#jobs.set(job, timeOf(this.#clock) + forgetMs);
  }

  delete(job: string): void {
    this.#jobs.delete(job);
  }

  /** Called with each message that arrives for the actor. */
  arrived({ type, job }: Message): void {
    if (type === "job_done" || type === "job_failed") this.#jobs.delete(job as string);
  }
}
