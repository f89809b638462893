import type { Frame } from "../../actors/index.ts";
import { Fifo } from "../mailbox/fifo.ts";

/** The frames of one turn of the event loop. */
export interface Write {
  /** All of them; or each, if ws is to compress them, or one of them cannot be encoded. */
  readonly content: Buffer | readonly Frame[];
  /** The number of frames. */
  readonly length: number;
  /** Bytes on the wire, uncompressed. */
  readonly size: number;
}

/** Holds writes back until the socket has passed on the one before, so that the oldest can be dropped. */
export class HeldWrites {
  readonly #perform: (write: Write, done: () => void) => void;
  readonly #waiting = new Fifo<Write>();
  #bytes = 0;
  #isWriting = false;

  /** @param perform gives a write to the socket, and calls `done` once when the socket has passed it on. */
  constructor(perform: (write: Write, done: () => void) => void) {
    this.#perform = perform;
  }

  /** Bytes that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Performs `write` after those that wait. */
  add(write: Write): void {
    this.#waiting.push(write);
    this.#bytes += write.size;
    if (!this.#isWriting) this.#next();
  }

  /** Takes out the oldest, unless there is no newer one. */
  takeOldest(): Write | undefined {
    return this.#waiting.size > 1 ? this.take() : undefined;
  }

  /** Takes out the oldest. */
  take(): Write | undefined {
    const write = this.#waiting.shift();
    this.#bytes -= write?.size ?? 0;
    return write;
  }

  readonly #next = (): void => {
    const write = this.take();
    this.#isWriting = write !== undefined;
    if (write !== undefined) this.#perform(write, this.#next);
  };
}
