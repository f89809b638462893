import type { Consumption, JobDelivery } from "./backend.ts";

/** A job whose handler runs, and that counts towards the `concurrency` of its worker. */
export interface RunningJob {
  readonly channel: string;
  /** The id that the sender gave to the job. */
  readonly id: string | undefined;
  /** The number of deliveries of the job, including this one. */
  readonly attempt: number;
  /** Milliseconds since the handler was called. */
  readonly runningMs: number;
}

/** A running consumer of a named channel. */
export interface JobConsumption extends Consumption {
  /** The running jobs, in the order in which they began. */
  readonly running: readonly RunningJob[];
}

/** The running jobs of one consumption. */
export class RunningJobs {
  readonly #channel: string;
  /** The running jobs, and the value of `performance.now()` when the handler of each was called. */
  readonly #begun = new Map<JobDelivery, number>();

  constructor(channel: string) {
    this.#channel = channel;
  }

  /** The running jobs, in the order in which they began. */
  get list(): readonly RunningJob[] {
    const now = performance.now();
    return [...this.#begun].map(([{ job: id, attempt }, begunAt]) => ({
      channel: this.#channel,
      id,
      attempt,
      runningMs: now - begunAt,
    }));
  }

  /** Lists the job of `delivery` until the promise of `work` settles. Settles like this promise. */
  async during<T>(delivery: JobDelivery, work: () => Promise<T>): Promise<T> {
    this.#begun.set(delivery, performance.now());
    try {
      return await work();
    } finally {
      this.#begun.delete(delivery);
    }
  }
}

/** Merges lists of running jobs. The longest-running job is first. */
export const oldestFirst = (lists: readonly (readonly RunningJob[])[]): readonly RunningJob[] =>
  lists.flat().sort((a, b) => b.runningMs - a.runningMs);
