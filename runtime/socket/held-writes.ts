import { Fifo } from "../mailbox/fifo.ts";

/** Frames that are written in one go. */
export interface Batch {
  /** How many frames. */
  readonly length: number;
  /** How many bytes on the wire. */
  readonly size: number;
}

/**
 * What a socket is not given before it has passed on what it was given last, so that the oldest of it can be dropped while
 * it waits.
 */
export class HeldWrites<B extends Batch> {
  readonly #write: (batch: B, done: () => void) => void;
  readonly #waiting = new Fifo<B>();
  #bytes = 0;
  #isWriting = false;

  /** @param write gives the socket a batch, and calls `done` once when it has been passed on. Where it never is, nothing more is. */
  constructor(write: (batch: B, done: () => void) => void) {
    this.#write = write;
  }

  /** How many bytes wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Writes a batch after all those that wait. */
  add(batch: B): void {
    this.#waiting.push(batch);
    this.#bytes += batch.size;
    if (!this.#isWriting) this.#next();
  }

  /** Takes out the one that has waited longest, unless there is no newer one. */
  takeOldest(): B | undefined {
    return this.#waiting.size > 1 ? this.take() : undefined;
  }

  /** Takes out the one that has waited longest. */
  take(): B | undefined {
    const batch = this.#waiting.shift();
    this.#bytes -= batch?.size ?? 0;
    return batch;
  }

  readonly #next = (): void => {
    const batch = this.take();
    this.#isWriting = batch !== undefined;
    if (batch !== undefined) this.#write(batch, this.#next);
  };
}
