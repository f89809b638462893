import { AsyncResource } from "node:async_hooks";
import { TimeSlicer } from "./time-slicer.ts";

/** Work that delivers payloads or gaps to inboxes of this node, and can be interrupted. */
export interface DeliveryTask {
  /** How many payloads and gaps it delivers. */
  readonly count: number;
  /** How many bytes it keeps in memory while it waits. */
  readonly bytes: number;
  /** The next task of the queue, which alone uses it. */
  next?: DeliveryTask | undefined;
  /**
   * Delivers, or goes on with it, until all is done or `slicer` has no budget left. MUST NOT throw.
   *
   * @returns whether all is done.
   */
  deliver(slicer: TimeSlicer): boolean;
}

/**
 * How much may wait. Beyond these limits the queue delivers regardless of the time: a node that cannot keep up stops
 * reading its sockets, so that the rest waits where it is limited, too. 10,000 messages of 100 bytes take 3 MiB.
 */
const limits = { count: 10_000, bytes: 16 * 1024 * 1024 };

/**
 * Delivers a node's tasks in order: in a microtask, when all that one read of a socket brought is there, and, if that
 * takes too long, one slice in each turn of the event loop.
 */
export class DeliveryQueue {
  readonly #slicer: TimeSlicer;
  #first: DeliveryTask | undefined;
  #last: DeliveryTask | undefined;
  #size = 0;
  #bytes = 0;
  #isDelivering = false;
  #isScheduled = false;

  /** @param now a clock in milliseconds that never runs backwards. */
  constructor(now: () => number) {
    this.#slicer = new TimeSlicer(() => this.#deliver(), now);
  }

  /** How many payloads and gaps are not delivered, or not to all recipients. */
  get size(): number {
    return this.#size;
  }

  /** The task added last, until it is done. */
  get last(): DeliveryTask | undefined {
    return this.#last;
  }

  add(task: DeliveryTask): void {
    if (this.#last === undefined) this.#first = task;
    else this.#last.next = task;
    this.#last = task;
    this.grow(task.count, task.bytes);
  }

  /** Called when a task in the queue grows by so much. */
  grow(count: number, bytes: number): void {
    this.#resize(count, bytes);
    if (this.#slicer.isUrgent) this.#deliver();
    else this.#schedule();
  }

  /** Finishes all tasks without a pause and leaves no timer. Called once all inboxes are gone. */
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
    // A delivery may add tasks: they wait for their turn.
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
