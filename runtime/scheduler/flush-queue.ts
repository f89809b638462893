import { Fifo } from "../../layers/fifo.ts";
import type { Task } from "../../layers/scheduling/lane.ts";
import { type RoundRobin, type TurnScheduler, turnMs } from "../../layers/scheduling/turn-scheduler.ts";

export interface Flushable {
  /** MUST NOT throw. */
  flush(): void;
}

/** A batch of flushables, and the number of them that this turn may flush. */
interface Share {
  readonly task: Task | undefined;
  readonly batch: Fifo<Flushable>;
  waiting: number;
}

/** The time for flushes in a turn, in ms, if not all of them fit into the turn. */
export const sliceMs = 3;
/** Number of flushes between clock checks. A write takes 5 to 10 µs, or up to 2 ms for a megabyte. */
const stride = 4;
/** The time of a flush is measured over at least this many flushes. */
const minMeasured = 16;

/**
 * Flushes each {@link Flushable} once, in the check phase of the next turn of the event loop. Until then,
 * more frames often arrive, and one write for all frames is cheaper. If the current turn has already taken
 * 5 ms, the flushes run in the check phase of the current turn.
 *
 * If all flushes fit into the rest of the turn, they run without a pause: in a pause, new frames would
 * arrive, and the outboxes that were flushed earlier would need another write. Otherwise, flushes get short
 * slices, so that many new frames join the outboxes that still wait. Each batch gets an equal share of a
 * slice, so the outboxes of a small group do not wait for those of a large one.
 */
export class FlushQueue {
  /** Called before outboxes are flushed. */
  onFlush: (() => void) | undefined;
  readonly #turns: TurnScheduler;
  readonly #deliveries: RoundRobin;
  readonly #now: () => number;
  /** The waiting flushables. Each delivery has a batch of its own. Flushables of other work share one batch. */
  readonly #batches = new Map<Task | undefined, Fifo<Flushable>>();
  #latest: { readonly task: Task | undefined; readonly batch: Fifo<Flushable> } | undefined;
  #size = 0;
  /** Whether flushables were left at the end of the last turn. */
  #isDue = false;
  /** The measured time of one flush, in ms. */
  #flushMs = 0.01;

  /** @param deliveries the lane of deliveries. All flushables that its running task adds form one batch. */
  constructor(turns: TurnScheduler, deliveries: RoundRobin, now: () => number) {
    this.#turns = turns;
    this.#deliveries = deliveries;
    this.#now = now;
    turns.onTurnEnd = (startedAt) => this.#onTurnEnd(startedAt);
  }

  /** Schedules a flush. MUST NOT be called for a `flushable` that still waits for a flush. */
  add(flushable: Flushable): void {
    const { running } = this.#deliveries;
    if (this.#latest === undefined || this.#latest.task !== running) {
      this.#latest = { task: running, batch: this.#batchOf(running) };
    }
    this.#latest.batch.push(flushable);
    this.#size += 1;
    this.#turns.scheduleEnd();
  }

  #batchOf(task: Task | undefined): Fifo<Flushable> {
    const batch = this.#batches.get(task) ?? new Fifo<Flushable>();
    this.#batches.set(task, batch);
    return batch;
  }

  /** @returns whether flushables wait. */
  #onTurnEnd(startedAt: number): boolean {
    if (this.#size === 0) return false;
    const now = this.#now();
    const spentMs = now - startedAt;
    if (this.#isDue || spentMs >= turnMs / 2) this.#flush(now, Math.max(turnMs - spentMs, sliceMs));
    this.#isDue = this.#size > 0;
    return this.#isDue;
  }

  #flush(start: number, leftMs: number): void {
    this.onFlush?.();
    this.#latest = undefined;
    const fits = this.#size * this.#flushMs <= leftMs;
    // If the flushes take a little longer than expected, they are finished nevertheless.
    const end = start + (fits ? 1.25 * leftMs : sliceMs);
    let now = start;
    let flushed = 0;
    // Flushables that a flush adds wait for the next turn.
    let shares = [...this.#batches].map(([task, batch]) => ({ task, batch, waiting: batch.size }));
    // The first round divides the time among all batches. Later rounds divide the rest of the time.
    while (shares.length > 0 && now < end) {
      let left = shares.length;
      for (const share of shares) {
        if (now >= end) break;
        const { waiting } = share;
        now = this.#flushShare(share, now, now + (end - now) / left);
        flushed += waiting - share.waiting;
        left -= 1;
      }
      shares = shares.filter(({ waiting }) => waiting > 0);
    }
    if (flushed >= minMeasured) this.#flushMs += ((now - start) / flushed - this.#flushMs) / 4;
  }

  /** Flushes at least one flushable, and moves the batch behind the others. @returns the time. */
  #flushShare(share: Share, start: number, end: number): number {
    const { task, batch } = share;
    let now = start;
    do {
      this.#size -= 1;
      batch.shift()?.flush();
      if (share.waiting % stride === 1) now = this.#now();
      share.waiting -= 1;
    } while (share.waiting > 0 && now < end);
    this.#batches.delete(task);
    if (batch.size > 0) this.#batches.set(task, batch);
    return now;
  }
}
