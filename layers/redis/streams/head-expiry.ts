import { type ByPattern, LimitsByName } from "../../limits-by-name.ts";

/** An idle group keeps its epoch for a week. */
export const defaultHeadExpiryMs = 7 * 24 * 60 * 60 * 1_000;

/** The time is short, because clients may choose the names of groups, and each name creates a head. */
const firstHeadMs = 60 * 60 * 1_000;

/**
 * How long the heads of streams are kept without a use.
 *
 * A node renews the heads of its groups at each check, if less than half of the time is left. Two checks are at
 * most 1.25 times `tailCheckMs` apart, so a head that is kept for four checks never expires in between.
 */
export class HeadExpiry {
  readonly #ms: LimitsByName;
  readonly #minMs: number;

  /** @throws {InvalidOptionError} */
  constructor(given: ByPattern | undefined, tailCheckMs: number) {
    this.#minMs = 4 * tailCheckMs;
    const fallback = Math.max(defaultHeadExpiryMs, this.#minMs);
    this.#ms = new LimitsByName(given, { option: "headExpiryMs", fallback, min: this.#minMs });
  }

  /** Returns the milliseconds by which the head of `group` outlives the group's stream. */
  of(group: string): number {
    return this.#ms.resolve(group);
  }

  /** Returns the milliseconds for a head whose stream never had an entry. @param ms for other heads. */
  first(ms: number): number {
    return Math.min(ms, Math.max(firstHeadMs, this.#minMs));
  }
}
