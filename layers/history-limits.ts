import { type ByPattern, LimitsByName } from "./limits-by-name.ts";

/** The size and the lifetime of each group's history. */
export interface HistoryLimitOptions {
  /** The maximum number of messages in a history, for all groups or by group name. @default 100 */
  readonly capacity?: ByPattern;
  /** Milliseconds that a history lasts after its last message, for all groups or by name. @default 60_000 */
  readonly expiryMs?: ByPattern;
}

export interface HistoryLimit {
  readonly capacity: number;
  readonly expiryMs: number;
}

export class HistoryLimits {
  readonly #capacity: LimitsByName;
  readonly #expiryMs: LimitsByName;

  /** @throws {InvalidOptionError} */
  constructor({ capacity, expiryMs }: HistoryLimitOptions) {
    this.#capacity = new LimitsByName(capacity, { option: "capacity", fallback: 100 });
    this.#expiryMs = new LimitsByName(expiryMs, { option: "expiryMs", fallback: 60_000 });
  }

  /** Returns the limits of `group`, which are the same at every call. */
  of(group: string): HistoryLimit {
    return { capacity: this.#capacity.resolve(group), expiryMs: this.#expiryMs.resolve(group) };
  }
}
