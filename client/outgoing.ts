import type { SendOptions } from "./client.ts";
import { ClientError, MayHaveBeenTaken } from "./errors.ts";

/** A frame of the application on its way to the server. */
export interface OutgoingFrame {
  /** The frame as it is written. */
  readonly data: string | Uint8Array;
  /** The number of bytes of `data` on the wire. */
  readonly size: number;
  /** Whether the frame may be handled twice. */
  readonly isRepeatable: boolean;
  /** Called once the server has handled the frame. */
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** What the server says in `hello` about frames of the client. */
export interface SessionLimits {
  readonly window: number;
  readonly maxPayload: number;
  /** Absent if the consumer refuses sessions. */
  readonly session?: string;
}

const encoder = new TextEncoder();

/** A frame with the data that are written. */
export function frameOf(
  data: string | Uint8Array,
  resolve: () => void,
  reject: (error: Error) => void,
  options?: SendOptions,
): OutgoingFrame {
  const { length } = typeof data === "string" ? encoder.encode(data) : data;
  return { data, size: length, isRepeatable: !!options?.repeatable, resolve, reject };
}

type Write = (data: string | Uint8Array) => void;

/**
 * The frames that the server has not handled yet. Frames have no numbers on the wire: both ends count them, from 1,
 * in each session.
 */
export class Outgoing {
  readonly #maxFrames: number;
  readonly #maxBytes: number;
  /** The frames that were written in this session, oldest first. */
  readonly #written: OutgoingFrame[] = [];
  /** The frames that come after them. */
  readonly #waiting: OutgoingFrame[] = [];
  /** The number of frames that the server has handled in this session. */
  #done = 0;

  constructor(maxFrames: number, maxBytes: number) {
    this.#maxFrames = maxFrames;
    this.#maxBytes = maxBytes;
  }

  get isEmpty(): boolean {
    return this.#written.length + this.#waiting.length === 0;
  }

  /** Queues a frame, or rejects it if the queue is full. An empty queue takes a frame of any size. */
  add(frame: OutgoingFrame): void {
    const frames = [...this.#written, ...this.#waiting];
    const bytes = frames.reduce((sum, { size }) => sum + size, frame.size);
    if (frames.length > 0 && (frames.length >= this.#maxFrames || bytes > this.#maxBytes))
      frame.reject(new ClientError("ERR_QUEUE_FULL", "Too many frames wait: await send, or raise maxQueue."));
    else this.#waiting.push(frame);
  }

  /** Removes a frame that has not been written. */
  cancel(frame: OutgoingFrame): void {
    const index = this.#waiting.indexOf(frame);
    if (index >= 0) this.#waiting.splice(index, 1);
  }

  /** Writes frames until the window is full. Without a session, a written frame counts as handled. */
  write({ window, maxPayload, session }: SessionLimits, write: Write): void {
    while (this.#written.length < window) {
      const frame = this.#waiting.shift();
      if (frame === undefined) return;
      const { data, size, reject } = frame;
      if (size > maxPayload)
        reject(
          new ClientError("ERR_FRAME_TOO_LARGE", `The frame has ${size} bytes, not up to ${maxPayload}.`),
        );
      else {
        this.#written.push(frame);
        write(data);
        if (session === undefined) this.settle(this.#done + 1);
      }
    }
  }

  /** The server has handled the frames up to `count`. Returns false if that cannot be. */
  settle(count: unknown): boolean {
    if (!this.#isPossible(count)) return false;
    const settled = this.#written.splice(0, count - this.#done);
    this.#done = count;
    for (const { resolve } of settled) resolve();
    return true;
  }

  /** Writes the frames after `received` again, to another socket. Returns false if that cannot be. */
  resend(received: unknown, write: Write): boolean {
    if (!this.#isPossible(received)) return false;
    for (const { data } of this.#written.slice(received - this.#done)) write(data);
    return true;
  }

  /** The session is lost: keeps the frames that the next session may write. */
  startAgain(): void {
    this.#done = 0;
    for (const frame of this.#written.splice(0).reverse()) {
      if (frame.isRepeatable) this.#waiting.unshift(frame);
      else frame.reject(new MayHaveBeenTaken());
    }
  }

  /** Rejects the frames that were written with `written`, and the others with `waiting`. */
  fail(written: Error, waiting: Error): void {
    for (const { reject } of this.#written.splice(0)) reject(written);
    for (const { reject } of this.#waiting.splice(0)) reject(waiting);
  }

  #isPossible(count: unknown): count is number {
    return isCount(count, this.#done, this.#done + this.#written.length);
  }
}

/** Whether `value` is an integer from `min` to `max`. */
export const isCount = (value: unknown, min = 0, max: number = Number.MAX_SAFE_INTEGER): value is number =>
  Number.isSafeInteger(value) && min <= (value as number) && (value as number) <= max;
