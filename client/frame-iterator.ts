import { ClientError } from "./errors.ts";

/** The maximum number of frames that wait for the reader of an iterator. */
const maxFrames = 1_000;

interface Reader<T> {
  resolve(result: IteratorResult<T, undefined>): void;
  reject(error: Error): void;
}

/** Iterates over frames as they arrive. */
export class FrameIterator<T> implements AsyncIterableIterator<T, undefined> {
  readonly #frames: T[] = [];
  readonly #readers: Reader<T>[] = [];
  readonly #stop: () => void;
  #error: Error | undefined;
  #isOver = false;

  /** @param stop called when no more frames are wanted. */
  constructor(stop: () => void) {
    this.#stop = stop;
  }

  push(frame: T): void {
    const reader = this.#readers.shift();
    if (reader !== undefined) reader.resolve({ value: frame, done: false });
    else if (this.#frames.length < maxFrames) this.#frames.push(frame);
    else {
      this.#error = new ClientError(
        "ERR_EVENTS_OVERFLOW",
        "Too many frames wait for this iterator: read faster, or use on.",
      );
      this.end();
    }
  }

  /** Ends the iterator after the frames that wait. */
  end(): void {
    this.#isOver = true;
    this.#stop();
    for (const reader of this.#readers.splice(0)) reader.resolve({ value: undefined, done: true });
  }

  next(): Promise<IteratorResult<T, undefined>> {
    return new Promise((resolve, reject) => {
      const error = this.#error;
      if (this.#frames.length > 0) resolve({ value: this.#frames.shift() as T, done: false });
      else if (error !== undefined) {
        this.#error = undefined;
        reject(error);
      } else if (this.#isOver) resolve({ value: undefined, done: true });
      else this.#readers.push({ resolve, reject });
    });
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#frames.length = 0;
    this.#error = undefined;
    this.end();
    return this.next();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
