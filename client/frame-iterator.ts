import { ClientError } from "./errors.ts";

/** The maximum number of frames that wait for the reader of an iterator. */
const maxFrames = 1_000;

/** Iterates over frames as they arrive. */
export class FrameIterator<T> implements AsyncIterableIterator<T, undefined> {
  readonly #stop: () => void;
  #frames: T[] = [];
  #error: Error | undefined;
  #isOver = false;
  /** Resolve the promises that calls of `next` await. */
  #wakers: (() => void)[] = [];

  /** @param stop called when no more frames are wanted. */
  constructor(stop: () => void) {
    this.#stop = stop;
  }

  push(frame: T): void {
    if (this.#frames.push(frame) > maxFrames) {
      this.#frames.pop();
      this.#error = new ClientError("ERR_EVENTS_OVERFLOW", "Too many frames wait: read faster, or use on.");
      this.end();
    }
    this.#wake();
  }

  /** Ends the iterator after the frames that wait. */
  end(): void {
    this.#isOver = true;
    this.#stop();
    this.#wake();
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    while (this.#frames.length === 0 && !this.#isOver)
      await new Promise<void>((resolve) => this.#wakers.push(resolve));
    if (this.#frames.length > 0) return { value: this.#frames.shift() as T, done: false };
    const error = this.#error;
    this.#error = undefined;
    if (error) throw error;
    return { value: undefined, done: true };
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#frames = [];
    this.#error = undefined;
    this.end();
    return this.next();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #wake(): void {
    for (const wake of this.#wakers.splice(0)) wake();
  }
}
