import type { Frame } from "../../actors/index.ts";
import { Fifo } from "../mailbox/fifo.ts";

/** The frames for a socket from one turn of the event loop. */
export interface Write {
  /** The encoded frames; or the single frames, if ws compresses them or a frame cannot be encoded. */
  readonly content: Buffer | readonly Frame[];
  readonly length: number;
  /** Uncompressed size on the wire, in bytes. */
  readonly size: number;
}

/** Gives writes to the socket one at a time, so that the oldest of the others can be dropped. */
export class HeldWrites {
  readonly #perform: (write: Write, done: () => void) => void;
  readonly #waiting = new Fifo<Write>();
  #bytes = 0;
  #isWriting = false;

  /** @param perform gives a write to the socket, and calls `done` once when the socket has completed it. */
  constructor(perform: (write: Write, done: () => void) => void) {
    this.#perform = perform;
  }

  /** Size of the held writes, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  add(write: Write): void {
    this.#waiting.push(write);
    this.#bytes += write.size;
    if (!this.#isWriting) this.#next();
  }

  /** Removes and returns the oldest write, but never the last one. */
  takeOldest(): Write | undefined {
    return this.#waiting.size > 1 ? this.take() : undefined;
  }

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
