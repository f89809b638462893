import { Claim } from "../../jobs/job-worker.ts";
import { type OrphanTurn, orphanGate } from "./orphan-gate.ts";

export interface ClaimFacts {
  /** The server's time when it handed out the entry. If undefined, the age is 0. */
  readonly time?: number | undefined;
  /** Present if the job is an orphan, which runs alone. */
  readonly turn?: OrphanTurn | undefined;
}

/** An entry of a queue that one of this consumption's consumers holds. */
export class RedisClaim extends Claim {
  readonly id: string;
  /** The consumer that holds the entry. */
  readonly consumer: string;
  readonly ageMs: number;
  readonly turn: OrphanTurn | undefined;
  /** Whether another worker holds the entry, or the queue was deleted. */
  isLost = false;
  /** Whether this claim is the only copy of the job, because the entry has vanished with its queue. */
  isOnlyCopy = false;
  /** Whether the job has ended, but its outcome is not reported yet. The claim is not renewed. */
  isOver = false;
  /** The value of `performance.now()` when the claim was last known to be held. */
  heldAt = performance.now();

  constructor(
    id: string,
    payload: Uint8Array,
    attempt: number,
    consumer: string,
    { time, turn }: ClaimFacts = {},
  ) {
    super(payload, attempt);
    this.id = id;
    this.consumer = consumer;
    // An entry's id begins with the server's time when the entry was added.
    this.ageMs = time === undefined ? 0 : Math.max(0, time - Number.parseInt(id, 10));
    this.turn = turn;
  }

  override run<T>(work: () => Promise<T>): Promise<T> {
    return this.turn?.run(work) ?? orphanGate.run(work, this.abandoned.signal);
  }

  /** The same job, held by `consumer` as attempt number `attempt`. */
  next(consumer: string, attempt: number): RedisClaim {
    const next = new RedisClaim(this.id, this.payload, attempt, consumer);
    next.isOnlyCopy = this.isOnlyCopy;
    return next;
  }
}
