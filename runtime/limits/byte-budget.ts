/** Holds bytes of one connection. */
export interface BudgetHolder {
  /** Number of bytes that the connection holds now. */
  readonly heldBytes: number;
  /** Makes the connection release its bytes, now or soon. A second call MUST release them at once. MUST NOT throw. */
  release(): void;
}

/**
 * A number of bytes that all connections of a runtime share. If they hold more, those with the most bytes have to
 * release them. A connection without bytes costs nothing.
 */
export class ByteBudget {
  readonly #maxBytes: number;
  readonly #targetBytes: number;
  /** The holders, and the bytes of each that {@link note} was last called with. */
  readonly #held = new Map<BudgetHolder, number>();
  #total = 0;
  #isReleasing = false;

  /**
   * @param target the part of the budget that may still be held once connections have to release bytes. It MUST be less
   *   than 1: otherwise each further byte would make one more connection release its bytes, and sort all others.
   */
  constructor(maxBytes: number, target: number) {
    this.#maxBytes = maxBytes;
    this.#targetBytes = maxBytes * target;
  }

  /** MUST be called when the bytes of `holder` become more. If it is called less often, fewer bytes count as more. */
  note(holder: BudgetHolder, bytes = holder.heldBytes): void {
    const before = this.#held.get(holder) ?? 0;
    if (bytes > 0) this.#held.set(holder, bytes);
    else if (before > 0) this.#held.delete(holder);
    this.#total += bytes - before;
    if (bytes > before && this.#total > this.#maxBytes && !this.#isReleasing) this.#release();
  }

  #release(): void {
    this.#isReleasing = true;
    for (const holder of [...this.#held.keys()]) this.note(holder);
    let excess = this.#total > this.#maxBytes ? this.#total - this.#targetBytes : 0;
    const largestFirst = excess > 0 ? [...this.#held].sort(([, one], [, other]) => other - one) : [];
    for (const [holder, bytes] of largestFirst) {
      if (excess <= 0) break;
      excess -= bytes;
      holder.release();
    }
    this.#isReleasing = false;
  }
}
