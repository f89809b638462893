import { AsyncResource } from "node:async_hooks";

/**
 * How long a slice may take, in milliseconds. The event loop is to be back at its sockets and timers within about 10, and
 * what inboxes have put into outboxes by then is still to be written.
 */
const sliceMs = 5;
/**
 * How many units of work are done between two looks at the clock, at most: a look costs about as much as 25 inboxes that
 * do nothing. Fewer are, where so many take longer than `msPerLook`.
 */
const mostPerLook = 64;
const msPerLook = 1;
/** One of so many bytes takes about as long to read as an inbox to serve. */
const bytesPerUnit = 1_024;

/** How many units of work it is to read a payload of so many bytes. */
export function unitsToRead(bytes: number): number {
  return 1 + Math.floor(bytes / bytesPerUnit);
}

/**
 * Divides the work of one node into slices, so that it never keeps the event loop from sockets and timers for long.
 *
 * A slice is what is done within one turn of the event loop, by however many callers. Work that ends in time never hears
 * of it: there is a look at the clock now and then, and no timer in a turn without one.
 */
export class TimeSlicer {
  readonly #resume: () => void;
  readonly #now: () => number;
  /** How many units of work are to be done until the next look at the clock. */
  #unitsLeft = 1;
  /** How many there are from one look to the next. */
  #perLook = 1;
  #lookedAt = 0;
  /** When the slice of this turn ends, once it was looked at the clock in it. */
  #endsAt: number | undefined;
  #isOver = false;
  /** While it is true, there is time whatever the clock says. */
  isUrgent = false;
  #timer: NodeJS.Immediate | undefined;

  /**
   * @param resume called when there is time again after there was none.
   * @param now a clock in milliseconds that never runs backwards.
   */
  constructor(resume: () => void, now: () => number) {
    this.#resume = resume;
    this.#now = now;
  }

  /** Whether work may begin, or go on. */
  get hasBudget(): boolean {
    return !this.#isOver || this.isUrgent;
  }

  /** To be called after work of so many units: one is about a microsecond, for inboxes that do little. */
  charge(units: number): void {
    this.#unitsLeft -= units;
    if (this.#unitsLeft <= 0) this.#look();
  }

  #look(): void {
    if (!this.#isOver) this.#tell(this.#now());
    this.#unitsLeft = this.#perLook;
  }

  /** From now on there is time for all, and no timer. */
  close(): void {
    clearImmediate(this.#timer);
    this.#endsAt = Number.POSITIVE_INFINITY;
    this.#isOver = false;
  }

  #tell(now: number): void {
    if (this.#endsAt === undefined) {
      this.#start(now);
      return;
    }
    const fitting = Math.floor((this.#perLook * msPerLook) / (now - this.#lookedAt));
    this.#perLook = Math.max(1, Math.min(fitting, mostPerLook));
    this.#lookedAt = now;
    this.#isOver = now >= this.#endsAt;
  }

  #start(now: number): void {
    this.#lookedAt = now;
    this.#endsAt = now + sliceMs;
    this.#timer = setImmediate(this.#turnEnds);
  }

  // Both belong to the node, and to nobody whose work happened to begin a slice.
  readonly #turnEnds = AsyncResource.bind((): void => {
    this.#endsAt = undefined;
    // Not at once: this is the phase in which outboxes are written, and the sockets have their turn before the next.
    if (this.#isOver) this.#timer = setImmediate(this.#begin);
  });

  readonly #begin = (): void => {
    this.#isOver = false;
    this.#start(this.#now());
    this.#resume();
  };
}
