import type { Budget } from "./scheduler.ts";

/** The maximum number of units between clock checks. A check costs as much as about 25 trivial deliveries. */
const maxUnitsPerCheck = 64;
const msPerCheck = 1;

/** A budget that reads the clock only about once per millisecond of work, because a reading takes 0.1 µs. */
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
    this.#unitsLeft = this.#unitsPerCheck;
  }

  charge(units: number): void {
    this.#unitsLeft -= units;
    if (this.#unitsLeft > 0 || this.#isOver) return;
    const now = this.#now();
    const elapsed = Math.max(now - this.#checkedAt, 0.001);
    const fitting = Math.floor((this.#unitsPerCheck * msPerCheck) / elapsed);
    this.#unitsPerCheck = Math.max(1, Math.min(fitting, maxUnitsPerCheck));
    this.#unitsLeft = this.#unitsPerCheck;
    this.#checkedAt = now;
    this.#isOver = now >= this.#endsAt;
  }
}
