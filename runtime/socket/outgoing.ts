import type { Frame } from "../../actors/index.ts";
import { Fifo } from "../mailbox/fifo.ts";

const capacity = 1_000;

/**
 * What a spawned actor would have written to its socket, for one reader: `for await (const frame of actor.outgoing)`.
 *
 * When nobody reads, the last 1,000 frames are kept. The iteration ends, after what is kept, when the actor has.
 */
export class Outgoing implements AsyncIterableIterator<Frame> {
  readonly #onDrop: () => void;
  readonly #frames = new Fifo<Frame>();
  #ended = false;
  #reader: ((result: IteratorResult<Frame>) => void) | undefined;

  /** `onDrop` is called for each frame that is given up because nobody reads. */
  constructor(onDrop: () => void) {
    this.#onDrop = onDrop;
  }

  put(frame: Frame): void {
    if (this.#reader) {
      this.#reader({ done: false, value: frame });
      this.#reader = undefined;
      return;
    }
    if (this.#frames.size === capacity) {
      this.#frames.shift();
      this.#onDrop();
    }
    this.#frames.push(frame);
  }

  end(): void {
    this.#ended = true;
    this.#reader?.({ done: true, value: undefined });
    this.#reader = undefined;
  }

  /** @throws {Error} if an earlier call still waits: there is one reader. */
  async next(): Promise<IteratorResult<Frame>> {
    const frame = this.#frames.shift();
    if (frame !== undefined) return { done: false, value: frame };
    if (this.#ended) return { done: true, value: undefined };
    if (this.#reader) throw new Error("outgoing has a reader already, which waits for the next frame.");
    return new Promise((resolve) => {
      this.#reader = resolve;
    });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
