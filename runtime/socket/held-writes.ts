import { Fifo } from "../mailbox/fifo.ts";

/** Frames that are written together. */
export interface Batch {
  /** The number of frames. */
  readonly length: number;
  /** Bytes on the wire. */
  readonly size: number;
}

/** Holds writes back until the socket has passed on the one before, so that the oldest can be dropped while they wait. */
export class HeldWrites<B extends Batch> {
  readonly #write: (batch: B, done: () => void) => void;
  readonly #waiting = new Fifo<B>();
  #bytes = 0;
  #isWriting = false;

  /** @param write gives the socket a batch, and calls `done` once when the socket has passed it on. */
  constructor(write: (batch: B, done: () => void) => void) {
    this.#write = write;
  }

  /** Bytes that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Writes a batch after those that wait. */
  add(batch: B): void {
    this.#waiting.push(batch);
    this.#bytes += batch.size;
    if (!this.#isWriting) this.#next();
  }

  /** Takes out the oldest batch, unless there is no newer one. */
  takeOldest(): B | undefined {
    return this.#waiting.size > 1 ? this.take() : undefined;
  }

  /** Takes out the oldest batch. */
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
