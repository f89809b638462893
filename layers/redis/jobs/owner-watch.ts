/** A consumer that holds entries. */
export interface Owner {
  readonly name: string;
  /** The server's time of the consumer's last life sign. Used for comparison only, so the clock may step. */
  readonly seenAt: number;
}

/**
 * Decides which owners of entries are dead: those without a life sign for `claimAfterMs`. Measures the time
 * with the clock of this process, and only while the server replies. So an outage, a frozen server, and a step
 * of the server's clock do not count against an owner.
 */
export class OwnerWatch {
  readonly #claimAfterMs: number;
  readonly #intervalMs: number;
  readonly #silentMs = new Map<string, { readonly owner: Owner; readonly ms: number }>();
  #answeredAt: number | undefined;
  #ignoredUntil = 0;

  /** @param intervalMs the longest time between two observations that counts. */
  constructor(claimAfterMs: number, intervalMs: number) {
    this.#claimAfterMs = claimAfterMs;
    this.#intervalMs = intervalMs;
  }

  get dead(): readonly Owner[] {
    const silent = [...this.#silentMs.values()].filter(({ ms }) => ms >= this.#claimAfterMs);
    return silent.map(({ owner }) => owner);
  }

  /** Adds an observation: `owners` are all owners, requested at `askedAt` and received at `answeredAt`. */
  observe(owners: readonly Owner[], askedAt: number, answeredAt: number): void {
    if (askedAt < this.#ignoredUntil) return;
    // The time of the request itself does not count: a server that is slow may hold up life signs, too.
    const elapsed = Math.min(askedAt - (this.#answeredAt ?? askedAt), this.#intervalMs);
    this.#answeredAt = answeredAt;
    const before = new Map(this.#silentMs);
    this.#silentMs.clear();
    for (const owner of owners) {
      const last = before.get(owner.name);
      const isSilent = last?.owner.seenAt === owner.seenAt;
      this.#silentMs.set(owner.name, { owner, ms: isSilent ? last.ms + elapsed : 0 });
    }
  }

  /** Begins again, because a connection broke. Observations before `ignoredUntil` do not count. */
  restart(ignoredUntil = 0): void {
    this.#ignoredUntil = Math.max(this.#ignoredUntil, ignoredUntil);
    this.#answeredAt = undefined;
    this.#silentMs.clear();
  }
}
