import type { Clock } from "../layers/clock.ts";
import { timeOf } from "./deadline.ts";

/** The minimum time between two reports with the same key, in milliseconds. */
const intervalMs = 60_000;

/**
 * Reports errors that a client can cause any number of times: at most once a minute for each consumer's class and
 * key. The counters of the runtime tell how often they occur.
 */
export class OccasionalReports {
  readonly #clock: Clock;
  /** For each class and key: the time until which errors are left out. */
  readonly #pauses = new WeakMap<object, Map<string, number>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param key one of few texts, because each is remembered. */
  report(Consumer: object, key: string, error: () => unknown, report: (error: unknown) => void): void {
    const pauses = this.#pauses.get(Consumer) ?? new Map<string, number>();
    this.#pauses.set(Consumer, pauses);
    const now = timeOf(this.#clock);
    if (now < (pauses.get(key) ?? 0)) return;
    pauses.set(key, now + intervalMs);
    report(error());
  }
}
