import { AsyncResource } from "node:async_hooks";
import { TimeSlicer } from "./time-slicer.ts";

/** Something on its way to inboxes of this node, that can be interrupted. */
export interface DeliveryTask {
  /** How many payloads and gaps it holds. */
  readonly count: number;
  /** How many bytes it keeps from being freed while it waits. */
  readonly bytes: number;
  /** The one behind it. It belongs to the queue. */
  next?: DeliveryTask | undefined;
  /**
   * Delivers, or goes on with it, until all is done or `slices` has no time left. It MUST NOT throw.
   *
   * @returns whether all is done.
   */
  deliver(slicer: TimeSlicer): boolean;
}

/**
 * How much may wait. Beyond that it is delivered without regard for the time: a node that cannot keep up has to stop reading
 * its sockets, so that the rest waits where there is a limit, too. That many messages of 100 bytes take 3 MiB of the heap.
 */
const most = { count: 10_000, bytes: 16 * 1024 * 1024 };

/**
 * Delivers what comes in for a node in the order in which it came: once all that a socket has brought, or a layer of memory
 * has passed on, is there, if there is time; else a slice in each turn of the event loop.
 */
export class DeliveryQueue {
  readonly #slices: TimeSlicer;
  #first: DeliveryTask | undefined;
  #last: DeliveryTask | undefined;
  #size = 0;
  #bytes = 0;
  #isDelivering = false;
  #isScheduled = false;

  /** @param now a clock in milliseconds that never runs backwards. */
  constructor(now: () => number) {
    this.#slices = new TimeSlicer(() => this.#deliver(), now);
  }

  /** How many payloads and gaps are not delivered, or not to all. */
  get size(): number {
    return this.#size;
  }

  /** The one that came in last, while it is not delivered. */
  get last(): DeliveryTask | undefined {
    return this.#last;
  }

  add(parcel: DeliveryTask): void {
    if (this.#last === undefined) this.#first = parcel;
    else this.#last.next = parcel;
    this.#last = parcel;
    this.grow(parcel.count, parcel.bytes);
  }

  /** To be called when a parcel in the queue has so much more in it. */
  grow(count: number, bytes: number): void {
    this.#resize(count, bytes);
    if (this.#slices.isUrgent) this.#deliver();
    else this.#schedule();
  }

  /** Does without a pause what is still to be done, once all inboxes are gone, and leaves no timer. */
  close(): void {
    this.#slices.close();
    this.#deliver();
  }

  /** What a socket has brought is handed over in one go, so in a microtask all of it is there. */
  #schedule(): void {
    if (this.#isScheduled || !this.#slices.hasBudget) return;
    this.#isScheduled = true;
    queueMicrotask(this.#begin);
  }

  /** It belongs to nobody who happened to bring it about: whoever asks for the context of what runs is told that of the layer. */
  readonly #begin = AsyncResource.bind(() => {
    this.#isScheduled = false;
    this.#deliver();
  });

  #resize(count: number, bytes: number): void {
    this.#size += count;
    this.#bytes += bytes;
    this.#slices.isUrgent = this.#size > most.count || this.#bytes > most.bytes;
  }

  #deliver(): void {
    // What an inbox brings about comes behind what it is given.
    if (this.#isDelivering) return;
    this.#isDelivering = true;
    try {
      while (this.#first !== undefined && this.#slices.hasBudget) {
        if (this.#first.deliver(this.#slices)) this.#remove(this.#first);
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
