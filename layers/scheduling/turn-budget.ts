import type { Budget } from "./lane.ts";

/** The maximum number of units between clock checks. A check costs as much as about 25 trivial deliveries. */
const maxUnitsPerCheck = 64;
const msPerCheck = 1;

/**
 * A limit of time. The clock is checked after 1 unit, then after 2, 4 and so on, up to 64 units or about a
 * millisecond of work. So quick work needs few checks, and slow work after quick work is noticed early.
 */
export class TurnBudget implements Budget {
  readonly #now: () => number;
  #unitsLeft = 1;
  #unitsPerCheck = 1;
  #checkedAt = 0;
  #endsAt = Number.POSITIVE_INFINITY;
  #isOver = false;

  /** @param now returns the time in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  get hasTime(): boolean {
    return !this.#isOver;
  }

  /** Begins a new budget, which ends at `endsAt`. It has time for at least one unit. */
  start(now: number, endsAt: number): void {
    this.#checkedAt = now;
    this.#endsAt = endsAt;
    this.#isOver = false;
    this.#unitsPerCheck = 1;
    this.#unitsLeft = 1;
  }

  charge(units: number): void {
    this.#unitsLeft -= units;
    if (this.#unitsLeft > 0 || this.#isOver) return;
    const now = this.#now();
    const elapsed = now - this.#checkedAt;
    const fitting = elapsed > 0 ? Math.floor((this.#unitsPerCheck * msPerCheck) / elapsed) : maxUnitsPerCheck;
    this.#unitsPerCheck = Math.max(1, Math.min(fitting, 2 * this.#unitsPerCheck, maxUnitsPerCheck));
    this.#unitsLeft = this.#unitsPerCheck;
    this.#checkedAt = now;
    this.checkAt(now);
  }

  /** Ends the budget if its time is over at `now`, a time that the caller has read for another purpose. */
  checkAt(now: number): void {
    if (now >= this.#endsAt) this.#isOver = true;
  }
}
