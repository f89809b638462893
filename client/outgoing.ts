import { ClientError, MayHaveBeenTaken } from "./errors.ts";

/** A frame of the application on its way to the server. */
export interface OutgoingFrame {
  /** The frame as it is written. */
  readonly data: string | Uint8Array;
  /** The size of `data` on the wire. */
  readonly bytes: number;
  /** Whether the frame may be handled twice. */
  readonly isRepeatable: boolean;
  /** Called once the server has handled the frame. */
  resolve(): void;
  reject(error: Error): void;
}

/** The bounds of the queue. */
export interface QueueLimits {
  readonly frames: number;
  readonly bytes: number;
}

/** What the server says in `hello` about frames of the client. */
export interface SessionLimits {
  readonly window: number;
  readonly maxPayload: number;
  /** Absent if the consumer refuses sessions. */
  readonly session?: unknown;
}

/**
 * The frames that the server has not handled yet, oldest first. Those at the beginning are on the wire. Frames have
 * no numbers on the wire: both ends count them, from 1, in each session.
 */
export class Outgoing {
  readonly #limits: QueueLimits;
  #queue: OutgoingFrame[] = [];
  #bytes = 0;
  /** The number of frames at the beginning of the queue that have been written in this session. */
  #onWire = 0;
  /** The number of frames that the server has handled in this session. */
  #done = 0;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  get isEmpty(): boolean {
    return this.#queue.length === 0;
  }

  /** Queues a frame, or rejects it if the queue is full. An empty queue takes a frame of any size. */
  add(frame: OutgoingFrame): void {
    const { frames, bytes } = this.#limits;
    if (!this.isEmpty && (this.#queue.length >= frames || this.#bytes + frame.bytes > bytes)) {
      frame.reject(
        new ClientError("ERR_QUEUE_FULL", "Too many frames wait: await send(), or raise maxQueue."),
      );
      return;
    }
    this.#queue.push(frame);
    this.#bytes += frame.bytes;
  }

  /** Removes a frame that has not been written. */
  cancel(frame: OutgoingFrame): void {
    const index = this.#queue.indexOf(frame);
    if (index >= this.#onWire) this.#remove(index, 1);
  }

  /** Writes frames until the window is full. Without a session, a written frame counts as handled. */
  write({ window, maxPayload, session }: SessionLimits, write: (data: OutgoingFrame["data"]) => void): void {
    while (this.#onWire < window) {
      const frame = this.#queue[this.#onWire];
      if (frame === undefined) return;
      if (frame.bytes > maxPayload) {
        this.#remove(this.#onWire, 1);
        const message = `The frame has ${frame.bytes} bytes, and the server takes ${maxPayload}: send less at once.`;
        frame.reject(new ClientError("ERR_FRAME_TOO_LARGE", message));
        continue;
      }
      this.#onWire += 1;
      write(frame.data);
      if (session === undefined) this.settle(this.#done + 1);
    }
  }

  /** The server has handled the frames up to `count`. Returns false if that cannot be. */
  settle(count: unknown): boolean {
    if (!isCount(count, this.#done, this.#done + this.#onWire)) return false;
    const settled = this.#remove(0, count - this.#done);
    this.#onWire -= settled.length;
    this.#done = count;
    for (const frame of settled) frame.resolve();
    return true;
  }

  /** Writes the frames after `received` again, to another socket. Returns false if that cannot be. */
  resend(received: unknown, write: (data: OutgoingFrame["data"]) => void): boolean {
    if (!isCount(received, this.#done, this.#done + this.#onWire)) return false;
    for (const { data } of this.#queue.slice(received - this.#done, this.#onWire)) write(data);
    return true;
  }

  /** The session is lost: keeps the frames that the next session may write. */
  startAgain(): void {
    const lost = this.#queue.slice(0, this.#onWire).filter(({ isRepeatable }) => !isRepeatable);
    this.#queue = this.#queue.filter((frame) => !lost.includes(frame));
    this.#onWire = 0;
    this.#done = 0;
    for (const frame of lost) {
      this.#bytes -= frame.bytes;
      frame.reject(new MayHaveBeenTaken());
    }
  }

  /** Rejects all frames: those on the wire with `onWire`, the others with `error`. */
  fail(error: Error, onWire: Error): void {
    const count = this.#onWire;
    this.#onWire = 0;
    const frames = this.#remove(0, this.#queue.length);
    frames.forEach((frame, index) => {
      frame.reject(index < count ? onWire : error);
    });
  }

  #remove(index: number, count: number): OutgoingFrame[] {
    const removed = this.#queue.splice(index, count);
    for (const { bytes } of removed) this.#bytes -= bytes;
    return removed;
  }
}

/** Whether `value` is an integer from `min` to `max`. */
export const isCount = (
  value: unknown,
  min: number,
  max: number = Number.MAX_SAFE_INTEGER,
): value is number => Number.isSafeInteger(value) && min <= (value as number) && (value as number) <= max;
