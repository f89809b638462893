import { MessageShapeError } from "../actors/index.ts";
import type { Clock } from "../layers/clock.ts";
import { timeOf } from "./deadline.ts";
import { LimitError } from "./errors.ts";
import type { Report } from "./inspection-hooks.ts";

/** The minimum time between two reports with the same key, in milliseconds. */
const intervalMs = 60_000;

/** The key of an error that is reported only now and then. */
function keyOf(error: unknown): string | undefined {
  if (error instanceof LimitError) return error.limit;
  return error instanceof MessageShapeError ? `message ${error.messageType}` : undefined;
}

/**
 * Reports errors that a client can cause any number of times: at most once a minute for each consumer's class and
 * key. The counters of the runtime tell how often they occur.
 */
export class OccasionalReports {
  readonly #clock: Clock;
  /** For each class and key, the time until which errors are left out. */
  readonly #pauses = new WeakMap<object, Map<string, number>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Returns a form of `report` that reports each limit, and each type of messages of the wrong shape, at most once a
   * minute for each name of a consumer.
   */
  paced(report: Report): Report {
    return (error, where, actor) => {
      const key = keyOf(error);
      if (key === undefined) report(error, where, actor);
      else {
        const reportNow = () => report(error, where, actor);
        this.report(OccasionalReports, `${where.consumer} ${key}`, () => error, reportNow);
      }
    };
  }

  /**
   * Passes an error to `report`, unless the same `key` of `source` was reported within the last minute.
   *
   * @param source the class that the key belongs to.
   * @param key one of few texts, because each is remembered.
   * @param error makes the error if it is reported.
   */
  report(source: object, key: string, error: () => unknown, report: (error: unknown) => void): void {
    const pauses = this.#pauses.get(source) ?? new Map<string, number>();
    this.#pauses.set(source, pauses);
    const now = timeOf(this.#clock);
    if (now < (pauses.get(key) ?? 0)) return;
    pauses.set(key, now + intervalMs);
    report(error());
  }
}
