import { Slices } from "./slices.ts";

/** Something on its way to inboxes of this node, that can be interrupted. */
export interface Parcel {
  /** How many bytes it keeps from being freed while it waits. */
  readonly bytes: number;
  /** The one behind it. It belongs to the queue. */
  next?: Parcel | undefined;
  /**
   * Delivers, or goes on with it, until all is done or `slices` has no time left. It MUST NOT throw.
   *
   * @returns whether all is done.
   */
  deliver(slices: Slices): boolean;
}

/**
 * How much may wait. Beyond that it is delivered without regard for the time: a node that cannot keep up has to stop reading
 * its sockets, so that the rest waits where there is a limit, too. That many messages of 100 bytes take 3 MiB of the heap.
 */
const most = { parcels: 10_000, bytes: 16 * 1024 * 1024 };

/**
 * Delivers what comes in for a node in the order in which it came: at once where there is time, else a slice in each
 * turn of the event loop.
 */
export class DeliveryQueue {
  readonly #slices: Slices;
  #first: Parcel | undefined;
  #last: Parcel | undefined;
  #size = 0;
  #bytes = 0;
  #isDelivering = false;

  /** @param now a clock in milliseconds that never runs backwards. */
  constructor(now: () => number) {
    this.#slices = new Slices(() => this.#deliver(), now);
  }

  /** How many are not delivered, or not to all. */
  get size(): number {
    return this.#size;
  }

  add(parcel: Parcel): void {
    if (this.#last === undefined) this.#first = parcel;
    else this.#last.next = parcel;
    this.#last = parcel;
    this.#size += 1;
    this.#bytes += parcel.bytes;
    this.#deliver();
  }

  /** Does without a pause what is still to be done, once all inboxes are gone, and leaves no timer. */
  close(): void {
    this.#slices.close();
    this.#deliver();
  }

  get #isUrgent(): boolean {
    return this.#size > most.parcels || this.#bytes > most.bytes;
  }

  #deliver(): void {
    // What an inbox brings about comes behind what it is given.
    if (this.#isDelivering) return;
    this.#isDelivering = true;
    while (this.#first !== undefined && (this.#slices.hasTime || this.#isUrgent)) {
      if (this.#first.deliver(this.#slices)) this.#remove(this.#first);
    }
    this.#isDelivering = false;
  }

  #remove(first: Parcel): void {
    this.#first = first.next;
    if (this.#first === undefined) this.#last = undefined;
    this.#size -= 1;
    this.#bytes -= first.bytes;
  }
}
