import type { Frame } from "../../actors/index.ts";
import { Fifo } from "../../layers/fifo.ts";

/** The frames for a socket from one turn of the event loop. */
export interface Write {
  /** One buffer with all frames, or a list if ws compresses the frames or if a frame cannot be encoded. */
  readonly content: Buffer | readonly Frame[];
  readonly length: number;
  /** Uncompressed size on the wire, in bytes. */
  readonly size: number;
}

/** Passes writes to the socket one at a time, and holds the others, so that the oldest can be dropped. */
export class HeldWrites {
  readonly #perform: (write: Write, done: () => void) => void;
  readonly #waiting = new Fifo<Write>();
  #bytes = 0;
  #isWriting = false;

  /** @param perform passes a write to the socket, and calls `done` once when the write is complete. */
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

  /** Removes and returns the oldest held write. Returns undefined if fewer than two writes are held. */
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
