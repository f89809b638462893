import { ClientError } from "./errors.ts";

/** The maximum number of frames that wait for the reader of an iterator. */
const maxFrames = 1_000;

/** An iterator over frames as they arrive. */
export interface FrameIterator {
  readonly iterator: AsyncIterableIterator<unknown>;
  push(frame: unknown): void;
  /** Ends the iterator after the frames that wait. */
  end(): void;
}

/** @param stop called when no more frames are wanted. */
export function createFrameIterator(stop: () => void): FrameIterator {
  let frames: unknown[] = [];
  let failure: Error | undefined;
  let isOver = false;
  /** Resolve the promises that calls of `next` await. */
  const wakers: (() => void)[] = [];

  function wake(): void {
    for (const waker of wakers.splice(0)) waker();
  }

  function push(frame: unknown): void {
    if (frames.length < maxFrames) {
      frames.push(frame);
      wake();
    } else {
      failure = new ClientError("ERR_EVENTS_OVERFLOW", "Too many frames wait.");
      end();
    }
  }

  function end(): void {
    isOver = true;
    stop();
    wake();
  }

  const iterator: AsyncIterableIterator<unknown> = {
    async next() {
      while (!frames.length && !isOver) await new Promise<void>((resolve) => wakers.push(resolve));
      if (frames.length) return { value: frames.shift(), done: false };
      const error = failure;
      failure = undefined;
      if (error) throw error;
      return { value: undefined, done: true };
    },
    return() {
      frames = [];
      failure = undefined;
      end();
      return this.next();
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
  return { iterator, push, end };
}
