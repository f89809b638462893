import type { Consumption, QueueBackend, QueueReceiver, QueueSettings } from "../backend.ts";
import { systemClock } from "../clock.ts";
import { Claim, type JobSource, JobWorker } from "../jobs/job-worker.ts";
import { deadSuffix } from "../names.ts";

interface Job {
  /** The job's position in the queue. A job that a worker returns keeps its position. */
  readonly number: number;
  readonly payload: Uint8Array;
  /** The value of `performance.now()` when the job was sent. */
  readonly sentAt: number;
  readonly attempts: number;
}

class MemoryClaim extends Claim {
  readonly job: Job;

  constructor(job: Job) {
    super(job.payload, job.attempts + 1);
    this.job = job;
  }

  get ageMs(): number {
    return performance.now() - this.job.sentAt;
  }
}

class MemoryQueue {
  /** The number of jobs, including those that are being processed. */
  size = 0;
  readonly sources = new Set<MemorySource>();
  #waiting: Job[] = [];
  /** The number of taken jobs at the front. These are removed in batches: a removal moves all other jobs. */
  #taken = 0;
  #lastNumber = 0;

  get isIdle(): boolean {
    return this.size === 0 && this.sources.size === 0;
  }

  add(payload: Uint8Array): void {
    this.size += 1;
    this.#lastNumber += 1;
    const sentAt = performance.now();
    this.#waiting.push({ number: this.#lastNumber, payload, sentAt, attempts: 0 });
    this.#wake();
  }

  take(limit: number): MemoryClaim[] {
    const jobs = this.#waiting.slice(this.#taken, this.#taken + limit);
    this.#taken += jobs.length;
    if (this.#taken * 2 > this.#waiting.length) this.#forgetTaken();
    return jobs.map((job) => new MemoryClaim(job));
  }

  giveBack(job: Job): void {
    this.#forgetTaken();
    const place = this.#waiting.findIndex(({ number }) => number > job.number);
    this.#waiting.splice(place < 0 ? this.#waiting.length : place, 0, job);
    this.#wake();
  }

  #forgetTaken(): void {
    this.#waiting.splice(0, this.#taken);
    this.#taken = 0;
  }

  #wake(): void {
    for (const source of this.sources) source.wake();
  }
}

class MemorySource implements JobSource<MemoryClaim> {
  readonly #queue: MemoryQueue;
  readonly #bury: (payload: Uint8Array) => void;
  readonly #onClose: () => void;
  #isInterrupted = false;
  wake = () => {};

  constructor(queue: MemoryQueue, bury: (payload: Uint8Array) => void, onClose: () => void) {
    this.#queue = queue;
    this.#bury = bury;
    this.#onClose = onClose;
    queue.sources.add(this);
  }

  async take(limit: number): Promise<readonly MemoryClaim[]> {
    while (!this.#isInterrupted) {
      const woken = new Promise<void>((resolve) => {
        this.wake = resolve;
      });
      // Waits for the next turn, so that sockets and timers are handled even if every job sends another job.
      await new Promise((resolve) => setImmediate(resolve));
      const claims = this.#isInterrupted ? [] : this.#queue.take(limit);
      if (claims.length > 0) return claims;
      if (!this.#isInterrupted) await woken;
    }
    return [];
  }

  interrupt(): void {
    this.#isInterrupted = true;
    this.wake();
  }

  async done(): Promise<boolean> {
    this.#queue.size -= 1;
    return true;
  }

  async condemn(claim: MemoryClaim): Promise<MemoryClaim> {
    return claim;
  }

  async again({ job, attempt }: MemoryClaim): Promise<MemoryClaim> {
    return new MemoryClaim({ ...job, attempts: attempt });
  }

  async bury({ payload }: MemoryClaim): Promise<void> {
    this.#queue.size -= 1;
    this.#bury(payload);
  }

  async release({ job, attempt }: MemoryClaim, unbegun: boolean): Promise<void> {
    this.#queue.giveBack(unbegun ? job : { ...job, attempts: attempt });
  }

  async close(): Promise<void> {
    this.#queue.sources.delete(this);
    this.#onClose();
  }
}

/** The work queues of the memory layers on one bus. Jobs are kept as long as the bus exists. */
export class MemoryQueues implements QueueBackend {
  readonly #queues = new Map<string, MemoryQueue>();

  async enqueue(name: string, payload: Uint8Array, capacity: number): Promise<boolean> {
    const queue = this.#queue(name);
    if (queue.size >= capacity) return false;
    queue.add(payload);
    return true;
  }

  async consume(name: string, receiver: QueueReceiver, { concurrency }: QueueSettings): Promise<Consumption> {
    const queue = this.#queue(name);
    const bury = (payload: Uint8Array) => this.#queue(name + deadSuffix).add(payload);
    const onClose = () => void (queue.isIdle && this.#queues.delete(name));
    return new JobWorker(new MemorySource(queue, bury, onClose), receiver, concurrency, systemClock);
  }

  #queue(name: string): MemoryQueue {
    const queue = this.#queues.get(name) ?? new MemoryQueue();
    this.#queues.set(name, queue);
    return queue;
  }
}
