import { AsyncResource } from "node:async_hooks";

/**
 * The duration of a slice, in milliseconds. The event loop should return to its sockets and timers within
 * about 10 ms, and in that time the outboxes have to be written, too.
 */
const sliceMs = 5;
/**
 * The maximum number of work units between two checks of the clock: a check costs about as much as 25 trivial
 * deliveries. Lower if these units take longer than `msPerCheck`.
 */
const maxUnitsPerCheck = 64;
const msPerCheck = 1;
/** Decoding this many bytes takes about as long as one delivery to an inbox. */
const bytesPerUnit = 1_024;

export function unitsToDecode(bytes: number): number {
  return 1 + Math.floor(bytes / bytesPerUnit);
}

/**
 * Divides the work of one node into slices, so that it never blocks the event loop for long.
 *
 * A slice is the work of all callers within one turn of the event loop. Work that ends in time costs an
 * occasional check of the clock, and one immediate in each turn with such a check.
 */
export class TimeSlicer {
  readonly #resume: () => void;
  readonly #now: () => number;
  #unitsLeft = 1;
  #unitsPerCheck = 1;
  #checkedAt = 0;
  /** The end of this turn's slice; undefined before its first check of the clock. */
  #endsAt: number | undefined;
  #isOver = false;
  /** While true, there is budget regardless of the clock. */
  isUrgent = false;
  #timer: NodeJS.Immediate | undefined;

  /** @param resume called when there is budget again. */
  constructor(resume: () => void, now: () => number) {
    this.#resume = resume;
    this.#now = now;
  }

  get hasBudget(): boolean {
    return !this.#isOver || this.isUrgent;
  }

  /** Records completed work, in units: one is about a microsecond, for inboxes that do little. */
  charge(units: number): void {
    this.#unitsLeft -= units;
    if (this.#unitsLeft > 0) return;
    if (!this.#isOver) this.#check(this.#now());
    this.#unitsLeft = this.#unitsPerCheck;
  }

  /** Gives all later work budget, and leaves no timer. */
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

  // Bound, because a slice belongs to the node, not to the caller that began it.
  readonly #endTurn = AsyncResource.bind((): void => {
    this.#endsAt = undefined;
    // Not at once: outboxes are written in this phase, and sockets come before the next one.
    if (this.#isOver) this.#timer = setImmediate(this.#begin);
  });

  readonly #begin = (): void => {
    this.#isOver = false;
    this.#start(this.#now());
    this.#resume();
  };
}
