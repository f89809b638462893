import { Claim } from "../../jobs/job-worker.ts";
import { type OrphanTurn, orphanGate } from "./orphan-gate.ts";

/** An entry of a queue that one of this consumption's consumers holds. */
export class RedisClaim extends Claim {
  readonly id: string;
  /** The consumer that holds the entry. */
  readonly consumer: string;
  /** Present if the job is an orphan, which runs alone. */
  readonly turn: OrphanTurn | undefined;
  /** Whether another worker holds the entry. */
  isLost = false;
  /** The value of `performance.now()` when the claim was last known to be held. */
  heldAt = performance.now();

  constructor(id: string, payload: Uint8Array, attempt: number, consumer: string, turn?: OrphanTurn) {
    super(payload, attempt);
    this.id = id;
    this.consumer = consumer;
    this.turn = turn;
  }

  /** Milliseconds since the entry was added. The entry's id begins with the server's time at that moment. */
  get ageMs(): number {
    return Date.now() - Number.parseInt(this.id, 10);
  }

  override run<T>(work: () => Promise<T>): Promise<T> {
    return (this.turn ?? orphanGate).run(work);
  }
}
