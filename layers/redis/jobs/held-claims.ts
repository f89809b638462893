import type { RedisClaim } from "./queue-claim.ts";

/** The claims of one consumption: the jobs that run, wait for a retry, or have ended without a report. */
export class HeldClaims {
  readonly #claims = new Map<string, RedisClaim>();

  get ids(): Iterable<string> {
    return this.#claims.keys();
  }

  /** The claims that have to be renewed. */
  get current(): readonly RedisClaim[] {
    return [...this.#claims.values()].filter(({ isOver, isOnlyCopy }) => !isOver && !isOnlyCopy);
  }

  hold(claims: readonly RedisClaim[]): readonly RedisClaim[] {
    for (const claim of claims) this.#claims.set(claim.id, claim);
    return claims;
  }

  forget(claim: RedisClaim): void {
    if (this.#claims.get(claim.id) === claim) this.#claims.delete(claim.id);
  }

  /** Called if other workers hold the jobs of `claims`. Aborts the running ones. */
  lose(claims: Iterable<RedisClaim>): void {
    for (const claim of claims) {
      claim.isLost = true;
      if (!claim.isOver) claim.abandoned.abort();
    }
  }

  /** Called if the queue is gone. A deletion aborts the running jobs. After a loss, they continue. */
  queueGone(isDeleted: boolean): void {
    for (const claim of this.#claims.values()) claim.isOnlyCopy = !isDeleted;
    if (isDeleted) this.lose(this.#claims.values());
  }
}
