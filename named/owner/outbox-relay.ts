import { systemClock } from "../../layers/clock.ts";
import { asError, LayerUnavailableError, QueueFullError } from "../../layers/errors.ts";
import { backoffMs, pause } from "../../layers/retry.ts";
import type { OutboxRecord } from "../records.ts";

/** The time after which an entry that cannot be delivered becomes a dead letter, in milliseconds. */
const giveUpMs = 60_000;

/** An entry of an outbox. Its number increases from entry to entry. */
export interface OutboxEntry {
  readonly number: number;
  readonly record: OutboxRecord;
}

export interface RelayTargets {
  /** Identifies the target of a record. Entries to one target stay in order. */
  targetOf(record: OutboxRecord): string;
  /** Delivers an entry. May be called again with the same entry after a failure. */
  deliver(entry: OutboxEntry): Promise<void>;
  /** An entry could not be delivered for a minute. */
  buried(entry: OutboxEntry, error: Error): void;
  /** An entry was delivered: {@link OutboxRelay.pending} has decreased. */
  progressed(): void;
}

/**
 * Delivers what the actors of a partition have sent. A target that does not accept its entries holds up only the
 * entries to this target.
 */
export class OutboxRelay {
  readonly #targets: RelayTargets;
  readonly #lanes = new Map<string, OutboxEntry[]>();
  readonly #delivered = new Set<number>();
  readonly #stopping = new AbortController();
  /** The targets that have refused entries for a minute. Their next entries get one attempt each. */
  readonly #given = new Set<string>();
  #relayed = 0;
  #last = 0;

  constructor(targets: RelayTargets) {
    this.#targets = targets;
  }

  /** The number up to which all entries are delivered. */
  get relayed(): number {
    return this.#relayed;
  }

  /** The number of entries that are not delivered. */
  get pending(): number {
    return this.#last - this.#relayed - this.#delivered.size;
  }

  /** Must be called once, before {@link add}. @param number the number of the entry before the first one */
  begin(number: number): void {
    this.#relayed = number;
    this.#last = number;
  }

  /** Adds the entry that follows the last one. */
  add(entry: OutboxEntry): void {
    this.#last = entry.number;
    const target = this.#targets.targetOf(entry.record);
    const lane = this.#lanes.get(target);
    if (lane !== undefined) {
      lane.push(entry);
      return;
    }
    const started = [entry];
    this.#lanes.set(target, started);
    void this.#drain(target, started);
  }

  /** Leaves out the entry that follows the last one. */
  skip(number: number): void {
    this.#last = number;
    this.#done(number);
  }

  /** Stops. The remaining entries stay in the store, for the next owner. */
  stop(): void {
    this.#stopping.abort();
  }

  async #drain(target: string, lane: OutboxEntry[]): Promise<void> {
    for (let entry = lane[0]; entry !== undefined; entry = lane[0]) {
      await this.#deliver(target, entry);
      if (this.#stopping.signal.aborted) return;
      lane.shift();
      this.#done(entry.number);
    }
    this.#lanes.delete(target);
  }

  async #deliver(target: string, entry: OutboxEntry): Promise<void> {
    const { signal } = this.#stopping;
    const since = performance.now();
    for (let attempt = 1; !signal.aborted; attempt += 1) {
      try {
        await this.#targets.deliver(entry);
        this.#given.delete(target);
        return;
      } catch (error) {
        if (signal.aborted) return;
        const isFull = error instanceof QueueFullError;
        const isPassing = isFull || error instanceof LayerUnavailableError;
        const isOver = performance.now() - since > giveUpMs || (isFull && this.#given.has(target));
        if (!isPassing || isOver) {
          this.#given.add(target);
          this.#targets.buried(entry, asError(error));
          return;
        }
        await pause(backoffMs(attempt, undefined, 1_000), systemClock, signal);
      }
    }
  }

  #done(number: number): void {
    this.#delivered.add(number);
    while (this.#delivered.delete(this.#relayed + 1)) this.#relayed += 1;
    this.#targets.progressed();
  }
}
