/** The memory that several shares may take together, in bytes. */
export class MemoryBudget {
  readonly max: number;
  used = 0;

  constructor(max: number) {
    this.max = max;
  }
}

/** A part of a {@link MemoryBudget} with a limit of its own. Its first `free` bytes do not count for the budget. */
export class MemoryShare {
  readonly #budget: MemoryBudget;
  readonly #max: number;
  readonly #free: number;
  #used = 0;

  constructor(budget: MemoryBudget, max: number, free = 0) {
    this.#budget = budget;
    this.#max = max;
    this.#free = free;
  }

  /** Takes `bytes` if the share and the budget have room. @returns whether they had. */
  take(bytes: number): boolean {
    const used = this.#used + bytes;
    const counted = this.#counted(used) - this.#counted(this.#used);
    if (used > this.#max || (counted > 0 && this.#budget.used + counted > this.#budget.max)) return false;
    this.#set(used);
    return true;
  }

  give(bytes: number): void {
    this.#set(this.#used - bytes);
  }

  /** Gives everything back. */
  clear(): void {
    this.#set(0);
  }

  #set(used: number): void {
    this.#budget.used += this.#counted(used) - this.#counted(this.#used);
    this.#used = used;
  }

  #counted(used: number): number {
    return Math.max(0, used - this.#free);
  }
}
