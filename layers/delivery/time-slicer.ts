import { AsyncResource } from "node:async_hooks";

/** The length of a slice, in ms. A turn, which also writes to sockets, should take at most about 10 ms. */
const sliceMs = 5;
/** The maximum units of work between clock checks. A check costs as much as about 25 trivial deliveries. */
const maxUnitsPerCheck = 64;
const msPerCheck = 1;
/** Decoding this many bytes takes about as long as one delivery to an inbox. */
const bytesPerUnit = 1_024;

export function unitsToDecode(bytes: number): number {
  return 1 + Math.floor(bytes / bytesPerUnit);
}

/** Limits one node's work to a slice of each turn of the event loop, so that no turn takes too long. */
export class TimeSlicer {
  readonly #resume: () => void;
  readonly #now: () => number;
  #unitsLeft = 1;
  #unitsPerCheck = 1;
  #checkedAt = 0;
  /** The time at which this turn's slice ends. Undefined until the clock is checked in this turn. */
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

  /** Records completed work. A unit is one delivery: about a microsecond if the inbox does little. */
  charge(units: number): void {
    this.#unitsLeft -= units;
    if (this.#unitsLeft > 0) return;
    if (!this.#isOver) this.#check(this.#now());
    this.#unitsLeft = this.#unitsPerCheck;
  }

  /** Lets all later work run without a limit, and leaves no timer. */
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

  // Bound, so that it runs in the async context of the node, not in that of the caller that began the slice.
  readonly #endTurn = AsyncResource.bind((): void => {
    this.#endsAt = undefined;
    // The next slice begins in the next check phase. In the meantime, sockets are written and read.
    if (this.#isOver) this.#timer = setImmediate(this.#begin);
  });

  readonly #begin = (): void => {
    this.#isOver = false;
    this.#start(this.#now());
    this.#resume();
  };
}
