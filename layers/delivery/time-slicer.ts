import { AsyncResource } from "node:async_hooks";

/**
 * How long a slice may take, in milliseconds. The event loop should be back at its sockets and timers within about
 * 10, and by then the outboxes have to be written, too.
 */
const sliceMs = 5;
/**
 * How many units of work are done between two checks of the clock, at most: a check costs about as much as 25
 * inboxes that do nothing. Fewer if so many take longer than `msPerCheck`.
 */
const maxUnitsPerCheck = 64;
const msPerCheck = 1;
/** Decoding so many bytes takes about as long as one delivery to an inbox. */
const bytesPerUnit = 1_024;

/** The units of work for decoding a payload of so many bytes. */
export function unitsToDecode(bytes: number): number {
  return 1 + Math.floor(bytes / bytesPerUnit);
}

/**
 * Divides the work of one node into slices, so that it never keeps the event loop from sockets and timers for long.
 *
 * A slice is the work done within one turn of the event loop, by however many callers. Work that ends in time costs
 * a check of the clock now and then, and an immediate in each turn with such a check.
 */
export class TimeSlicer {
  readonly #resume: () => void;
  readonly #now: () => number;
  /** How many units of work are left until the next check of the clock. */
  #unitsLeft = 1;
  #unitsPerCheck = 1;
  #checkedAt = 0;
  /** When the slice of this turn ends; undefined before its first check of the clock. */
  #endsAt: number | undefined;
  #isOver = false;
  /** While it is true, there is budget whatever the clock says. */
  isUrgent = false;
  #timer: NodeJS.Immediate | undefined;

  /**
   * @param resume called when there is budget again after there was none.
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

  /** Called after work of so many units: one is about a microsecond, for inboxes that do little. */
  charge(units: number): void {
    this.#unitsLeft -= units;
    if (this.#unitsLeft > 0) return;
    if (!this.#isOver) this.#check(this.#now());
    this.#unitsLeft = this.#unitsPerCheck;
  }

  /** Gives all work budget from now on, and leaves no timer. */
  close(): void {
    clearImmediate(this.#timer);
    this.#endsAt = Number.POSITIVE_INFINITY;
    this.#isOver = false;
  }

  #check(now: number): void {
    if (this.#endsAt === undefined) {
      this.#start(now);
      return;
    }
    const fitting = Math.floor((this.#unitsPerCheck * msPerCheck) / (now - this.#checkedAt));
    this.#unitsPerCheck = Math.max(1, Math.min(fitting, maxUnitsPerCheck));
    this.#checkedAt = now;
    this.#isOver = now >= this.#endsAt;
  }

  #start(now: number): void {
    this.#checkedAt = now;
    this.#endsAt = now + sliceMs;
    this.#timer = setImmediate(this.#endTurn);
  }

  // Bound, because a slice belongs to the node and not to the work that happened to begin it.
  readonly #endTurn = AsyncResource.bind((): void => {
    this.#endsAt = undefined;
    // Not at once: outboxes are written in this phase, and sockets have their turn before the next.
    if (this.#isOver) this.#timer = setImmediate(this.#begin);
  });

  readonly #begin = (): void => {
    this.#isOver = false;
    this.#start(this.#now());
    this.#resume();
  };
}
