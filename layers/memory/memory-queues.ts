import type { Consumption, JobNumber, QueueBackend, QueueReceiver, QueueSettings } from "../backend.ts";
import { systemClock } from "../clock.ts";
import { QueueFullError } from "../errors.ts";
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

/** The bytes of all queues of a bus. */
interface Usage {
  bytes: number;
}

/** The memory of a job, in bytes: its payload, and its objects. */
const bytesOf = (payload: Uint8Array): number => payload.length + 256;

class MemoryQueue {
  readonly #usage: Usage;
  /** The number of jobs, including those that are being processed. */
  #size = 0;
  /** The bytes of these jobs. */
  #bytes = 0;
  readonly sources = new Set<MemorySource>();
  readonly #claims = new Set<MemoryClaim>();
  #waiting: Job[] = [];
  /** The number of taken jobs at the front. These are removed in batches: a removal moves all other jobs. */
  #taken = 0;
  #lastNumber = 0;

  constructor(usage: Usage) {
    this.#usage = usage;
  }

  get size(): number {
    return this.#size;
  }

  get isIdle(): boolean {
    return this.#size === 0 && this.sources.size === 0;
  }

  add(payload: Uint8Array): void {
    this.#count(1, bytesOf(payload));
    this.#lastNumber += 1;
    const sentAt = performance.now();
    // A copy, because the payload may be a view of a larger buffer, which would stay in memory.
    // A buffer, so that bytes in a message are decoded as buffers.
    const copy = Buffer.allocUnsafeSlow(payload.length);
    copy.set(payload);
    this.#waiting.push({ number: this.#lastNumber, payload: copy, sentAt, attempts: 0 });
    this.#wake();
  }

  take(limit: number): MemoryClaim[] {
    const jobs = this.#waiting.slice(this.#taken, this.#taken + limit);
    this.#taken += jobs.length;
    if (this.#taken * 2 > this.#waiting.length) this.#forgetTaken();
    return jobs.map((job) => this.claim(job));
  }

  claim(job: Job): MemoryClaim {
    const claim = new MemoryClaim(job);
    this.#claims.add(claim);
    return claim;
  }

  /** Ends a claim. Returns false if the queue was deleted after it had handed out the job. */
  end(claim: MemoryClaim): boolean {
    return this.#claims.delete(claim);
  }

  /** Ends a claim, and removes its job. Returns false as {@link end} does. */
  remove(claim: MemoryClaim): boolean {
    if (!this.end(claim)) return false;
    this.#count(-1, -bytesOf(claim.payload));
    return true;
  }

  #count(jobs: number, bytes: number): void {
    this.#size += jobs;
    this.#bytes += bytes;
    this.#usage.bytes += bytes;
  }

  /** Removes all jobs, and aborts those that are being processed. Returns their number. */
  clear(): number {
    const count = this.#size;
    this.#count(-count, -this.#bytes);
    this.#waiting = [];
    this.#taken = 0;
    const claims = [...this.#claims];
    this.#claims.clear();
    for (const claim of claims) claim.abandoned.abort();
    return count;
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
  /** Called by the worker, and when the queue gets a job. */
  wake = () => {};

  constructor(queue: MemoryQueue, bury: (payload: Uint8Array) => void, onClose: () => void) {
    this.#queue = queue;
    this.#bury = bury;
    this.#onClose = onClose;
    queue.sources.add(this);
  }

  async take(limit: number): Promise<readonly MemoryClaim[]> {
    const woken = new Promise<void>((resolve) => {
      this.wake = resolve;
    });
    // Waits for the next turn, so that sockets and timers are handled even if every job sends another job.
    await new Promise((resolve) => setImmediate(resolve));
    if (this.#isInterrupted) return [];
    const claims = this.#queue.take(limit);
    if (claims.length === 0) await woken;
    return claims;
  }

  interrupt(): void {
    this.#isInterrupted = true;
    this.wake();
  }

  async done(claim: MemoryClaim): Promise<boolean> {
    return this.#queue.remove(claim);
  }

  async suspend(claim: MemoryClaim): Promise<MemoryClaim> {
    return claim;
  }

  async condemn(claim: MemoryClaim): Promise<MemoryClaim | undefined> {
    return this.#queue.end(claim) ? this.#queue.claim(claim.job) : undefined;
  }

  async again(claim: MemoryClaim): Promise<MemoryClaim | undefined> {
    if (!this.#queue.end(claim)) return undefined;
    return this.#queue.claim({ ...claim.job, attempts: claim.attempt });
  }

  async bury(claim: MemoryClaim): Promise<void> {
    if (this.#queue.remove(claim)) this.#bury(claim.payload);
  }

  async release(claim: MemoryClaim, unbegun: boolean): Promise<void> {
    if (!this.#queue.end(claim)) return;
    const { job, attempt } = claim;
    this.#queue.giveBack(unbegun ? job : { ...job, attempts: attempt });
  }

  async close(): Promise<void> {
    this.#queue.sources.delete(this);
    this.#onClose();
  }
}

const maxNumberedQueues = 1_000;
const maxSenders = 1_000;

/** Sets an entry of a map, as the last one. Removes the first entry if there are more than `limit`. */
function setLast<V>(map: Map<string, V>, key: string, value: V, limit: number): void {
  map.delete(key);
  map.set(key, value);
  const [first] = map.keys();
  if (map.size > limit && first !== undefined) map.delete(first);
}

/** The work queues of the memory layers on one bus. Jobs are kept as long as the bus exists. */
export class MemoryQueues implements QueueBackend {
  readonly #queues = new Map<string, MemoryQueue>();
  readonly #maxBytes: number;
  readonly #usage: Usage = { bytes: 0 };
  /** For each queue, the highest number of each sender. They outlive the queue, as on Redis. */
  readonly #numbers = new Map<string, Map<string, number>>();

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** @throws {QueueFullError} if the queues of the bus hold too many bytes. */
  async enqueue(name: string, payload: Uint8Array, capacity: number, once?: JobNumber): Promise<boolean> {
    if (once !== undefined && this.#isRepetition(name, once)) return true;
    if (this.#usage.bytes + bytesOf(payload) > this.#maxBytes) {
      throw new QueueFullError(
        `The queues of this process hold ${this.#usage.bytes} bytes, and maxQueueBytes is ${this.#maxBytes}. ` +
          "Start more workers, or send fewer or smaller messages.",
      );
    }
    const queue = this.#queue(name);
    if (queue.size >= capacity) return false;
    queue.add(payload);
    if (once !== undefined) this.#remember(name, once);
    return true;
  }

  async consume(name: string, receiver: QueueReceiver, { concurrency }: QueueSettings): Promise<Consumption> {
    const queue = this.#queue(name);
    const bury = (payload: Uint8Array) => this.#queue(name + deadSuffix).add(payload);
    const onClose = () => void (queue.isIdle && this.#queues.delete(name));
    return new JobWorker(new MemorySource(queue, bury, onClose), receiver, concurrency, systemClock);
  }

  async delete(name: string): Promise<number> {
    const queue = this.#queues.get(name);
    if (queue === undefined) return 0;
    const count = queue.clear();
    if (queue.isIdle) this.#queues.delete(name);
    return count;
  }

  async size(name: string): Promise<number> {
    return this.#queues.get(name)?.size ?? 0;
  }

  #isRepetition(queue: string, { sender, number }: JobNumber): boolean {
    return number <= (this.#numbers.get(queue)?.get(sender) ?? 0);
  }

  /** Moves the sender, and the queue, to the end. */
  #remember(queue: string, { sender, number }: JobNumber): void {
    const numbers = this.#numbers.get(queue) ?? new Map<string, number>();
    setLast(this.#numbers, queue, numbers, maxNumberedQueues);
    setLast(numbers, sender, number, maxSenders);
  }

  #queue(name: string): MemoryQueue {
    const queue = this.#queues.get(name) ?? new MemoryQueue(this.#usage);
    this.#queues.set(name, queue);
    return queue;
  }
}
