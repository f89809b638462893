import { AsyncResource } from "node:async_hooks";
import { TimeSlicer } from "./time-slicer.ts";

/** Delivers payloads or gaps to inboxes of this node. Can be interrupted. */
export interface DeliveryTask {
  readonly count: number;
  readonly bytes: number;
  /** The next task in the queue. Only the queue uses this property. */
  next?: DeliveryTask | undefined;
  /** Delivers while `slicer` has budget. MUST NOT throw. @returns whether everything is delivered. */
  deliver(slicer: TimeSlicer): boolean;
}

/** Beyond these limits, the queue delivers without pauses, so that further messages wait at the senders. */
const limits = { count: 10_000, bytes: 16 * 1024 * 1024 };

/** Delivers a node's tasks in order, in time slices. Begins once all payloads of a socket read are added. */
export class DeliveryQueue {
  readonly #slicer: TimeSlicer;
  #first: DeliveryTask | undefined;
  #last: DeliveryTask | undefined;
  #size = 0;
  #bytes = 0;
  #isDelivering = false;
  #isScheduled = false;

  constructor(now: () => number) {
    this.#slicer = new TimeSlicer(() => this.#deliver(), now);
  }

  /** The number of payloads and gaps not yet delivered to all recipients. */
  get size(): number {
    return this.#size;
  }

  get last(): DeliveryTask | undefined {
    return this.#last;
  }

  add(task: DeliveryTask): void {
    if (this.#last === undefined) this.#first = task;
    else this.#last.next = task;
    this.#last = task;
    this.grow(task.count, task.bytes);
  }

  grow(count: number, bytes: number): void {
    this.#resize(count, bytes);
    if (this.#slicer.isUrgent) this.#deliver();
    else this.#schedule();
  }

  /** Finishes all tasks synchronously and leaves no timer. Called after all inboxes are removed. */
  close(): void {
    this.#slicer.close();
    this.#deliver();
  }

  #schedule(): void {
    if (this.#isScheduled || !this.#slicer.hasBudget) return;
    this.#isScheduled = true;
    queueMicrotask(this.#begin);
  }

  /** Bound, so that deliveries run in the async context of the layer, not in that of a sender. */
  readonly #begin = AsyncResource.bind(() => {
    this.#isScheduled = false;
    this.#deliver();
  });

  #resize(count: number, bytes: number): void {
    this.#size += count;
    this.#bytes += bytes;
    this.#slicer.isUrgent = this.#size > limits.count || this.#bytes > limits.bytes;
  }

  #deliver(): void {
    // A delivery may add tasks. The loop that is already running delivers them.
    if (this.#isDelivering) return;
    this.#isDelivering = true;
    try {
      while (this.#first !== undefined && this.#slicer.hasBudget) {
        if (this.#first.deliver(this.#slicer)) this.#remove(this.#first);
      }
    } finally {
      this.#isDelivering = false;
    }
  }

  #remove(first: DeliveryTask): void {
    this.#first = first.next;
    if (this.#first === undefined) this.#last = undefined;
    this.#resize(-first.count, -first.bytes);
  }
}
