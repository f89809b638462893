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

type Write = (data: string | Uint8Array) => void;

/**
 * The frames that the server has not handled yet. Frames have no numbers on the wire: both ends count them, from 1,
 * in each session.
 */
export class Outgoing {
  readonly #maxFrames: number;
  readonly #maxBytes: number;
  /** The frames that were written in this session, oldest first. */
  #written: OutgoingFrame[] = [];
  /** The frames that come after them. */
  #waiting: OutgoingFrame[] = [];
  /** The size of all of them. */
  #bytes = 0;
  /** The number of frames that the server has handled in this session. */
  #done = 0;

  constructor(maxFrames: number, maxBytes: number) {
    this.#maxFrames = maxFrames;
    this.#maxBytes = maxBytes;
  }

  get length(): number {
    return this.#written.length + this.#waiting.length;
  }

  /** Queues a frame, or rejects it if the queue is full. An empty queue takes a frame of any size. */
  add(frame: OutgoingFrame): void {
    const bytes = this.#bytes + frame.size;
    if (this.length > 0 && (this.length >= this.#maxFrames || bytes > this.#maxBytes)) {
      frame.reject(new ClientError("ERR_QUEUE_FULL", "Too many frames wait: await send, or raise maxQueue."));
      return;
    }
    this.#bytes = bytes;
    this.#waiting.push(frame);
  }

  /** Removes a frame that has not been written. */
  cancel(frame: OutgoingFrame): void {
    const index = this.#waiting.indexOf(frame);
    if (index >= 0) this.#release(this.#waiting.splice(index, 1));
  }

  /** Writes frames until the window is full. Without a session, a written frame counts as handled. */
  write({ window, maxPayload, session }: SessionLimits, write: Write): void {
    while (this.#waiting.length > 0 && this.#written.length < window) {
      const next = this.#waiting.splice(0, 1);
      const [{ data, size, reject }] = next as [OutgoingFrame];
      if (size > maxPayload) {
        this.#release(next);
        reject(
          new ClientError("ERR_FRAME_TOO_LARGE", `The frame has ${size} bytes, not up to ${maxPayload}.`),
        );
        continue;
      }
      this.#written.push(...next);
      write(data);
      if (session === undefined) this.settle(this.#done + 1);
    }
  }

  /** The server has handled the frames up to `count`. Returns false if that cannot be. */
  settle(count: unknown): boolean {
    if (!this.#isPossible(count)) return false;
    const settled = this.#written.splice(0, count - this.#done);
    this.#done = count;
    this.#release(settled);
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
    const written = this.#written;
    this.#written = [];
    this.#waiting.unshift(...written.filter(({ isRepeatable }) => isRepeatable));
    const lost = written.filter(({ isRepeatable }) => !isRepeatable);
    this.#release(lost);
    for (const { reject } of lost) reject(new MayHaveBeenTaken());
  }

  /** Rejects the frames that were written with `written`, and the others with `waiting`. */
  fail(written: Error, waiting: Error): void {
    for (const frame of this.#written.splice(0)) frame.reject(written);
    for (const frame of this.#waiting.splice(0)) frame.reject(waiting);
  }

  #isPossible(count: unknown): count is number {
    return isCount(count, this.#done, this.#done + this.#written.length);
  }

  #release(frames: readonly OutgoingFrame[]): void {
    for (const { size } of frames) this.#bytes -= size;
  }
}

/** Whether `value` is an integer from `min` to `max`. */
export const isCount = (value: unknown, min = 0, max: number = Number.MAX_SAFE_INTEGER): value is number =>
  Number.isSafeInteger(value) && min <= (value as number) && (value as number) <= max;
