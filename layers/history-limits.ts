import { type ByPattern, LimitsByName } from "./limits-by-name.ts";

/** How much of each group's history is kept, and for how long. */
export interface HistoryLimitOptions {
  /** How many messages the history of a group keeps: one number, or one by the group's name. @default 100 */
  readonly capacity?: ByPattern;
  /**
   * How long a history stays after the last message to its group, in milliseconds: one number, or one by the group's
   * name.
   * @default 60_000
   */
  readonly expiryMs?: ByPattern;
}

/** What holds for one group. */
export interface HistoryLimit {
  readonly capacity: number;
  readonly expiryMs: number;
}

/** How much of a group's history is kept, and for how long, by its name. */
export class HistoryLimits {
  readonly #capacity: LimitsByName;
  readonly #expiryMs: LimitsByName;

  /** @throws {InvalidOptionError} */
  constructor({ capacity, expiryMs }: HistoryLimitOptions) {
    this.#capacity = new LimitsByName(capacity, { option: "capacity", fallback: 100 });
    this.#expiryMs = new LimitsByName(expiryMs, { option: "expiryMs", fallback: 60_000 });
  }

  /** It is always the same. */
  of(group: string): HistoryLimit {
    return { capacity: this.#capacity.resolve(group), expiryMs: this.#expiryMs.resolve(group) };
  }
}
