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
  /** Each of them returns a frame. The last one throws an error if a frame was lost. */
  let frames: (() => unknown)[] = [];
  let isOver = false;
  /** Resolve the promises that calls of `next` await. */
  const wakers: (() => void)[] = [];

  function wake(): void {
    for (const waker of wakers.splice(0)) waker();
  }

  function push(frame: unknown): void {
    if (frames.length < maxFrames) {
      frames.push(() => frame);
      wake();
    } else {
      frames.push(() => {
        throw new ClientError("ERR_EVENTS_OVERFLOW", "Too many frames wait.");
      });
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
      const take = frames.shift();
      return { value: take?.(), done: !take } as IteratorResult<unknown>;
    },
    return() {
      frames = [];
      end();
      return this.next();
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
  return { iterator, push, end };
}
