import { processOf } from "./consumer-names.ts";

/**
 * Decides which consumers are dead: those that seem silent in all observations over `silenceMs`. Measures the
 * time with the clock of this process, and only while the server replies. So an outage, a frozen server, and a
 * step of the server's clock do not count against a consumer.
 *
 * The consumers of one process gave their last life signs at different times. A silent one waits for the others that
 * seem silent, for `silenceMs` at most, so that none of their jobs looks as if it had run alone in its process.
 */
export class OwnerWatch {
  readonly #silenceMs: number;
  readonly #intervalMs: number;
  /** For each consumer that seemed silent in the last observation: the time since it has. */
  readonly #silentMs = new Map<string, number>();
  #answeredAt: number | undefined;
  #ignoredUntil = 0;

  /** @param intervalMs the longest time between two observations that counts. */
  constructor(silenceMs: number, intervalMs: number) {
    this.#silenceMs = silenceMs;
    this.#intervalMs = intervalMs;
  }

  get dead(): readonly string[] {
    const silent = [...this.#silentMs];
    const undecided = silent.filter(([, ms]) => ms < this.#silenceMs);
    const processes = new Set(undecided.map(([consumer]) => processOf(consumer)));
    const isDead = ([consumer, ms]: [string, number]) =>
      ms >= 2 * this.#silenceMs || !processes.has(processOf(consumer));
    return silent.filter(isDead).map(([consumer]) => consumer);
  }

  /** Adds an observation: the consumers that seem silent, requested at `askedAt`, received at `answeredAt`. */
  observe(silent: readonly string[], askedAt: number, answeredAt: number): void {
    if (askedAt < this.#ignoredUntil) return;
    // The time of the request itself does not count: a server that is slow may hold up life signs, too.
    const elapsed = Math.min(askedAt - (this.#answeredAt ?? askedAt), this.#intervalMs);
    this.#answeredAt = answeredAt;
    const before = new Map(this.#silentMs);
    this.#silentMs.clear();
    for (const consumer of silent) {
      const ms = before.get(consumer);
      this.#silentMs.set(consumer, ms === undefined ? 0 : ms + elapsed);
    }
  }

  /** Begins again, because a connection broke. Observations before `ignoredUntil` do not count. */
  restart(ignoredUntil = 0): void {
    this.#ignoredUntil = Math.max(this.#ignoredUntil, ignoredUntil);
    this.#answeredAt = undefined;
    this.#silentMs.clear();
  }
}
