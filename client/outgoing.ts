import type { SendOptions } from "./client.ts";
import { ClientError, MayHaveBeenTaken } from "./errors.ts";

/** A frame of the application on its way to the server. */
export interface OutgoingFrame {
  /** The frame as it is written. */
  readonly data: string | Uint8Array;
  /** The number of bytes of `data` on the wire. */
  readonly size: number;
  /** Whether the frame may be handled twice. */
  readonly repeatable: boolean;
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
  return { data, size: length, repeatable: !!options?.repeatable, resolve, reject };
}

type Transmit = (data: string | Uint8Array) => void;

/**
 * Creates a queue for the frames that the server has not handled yet. Frames have no numbers on the wire: both ends
 * count them, from 1, in each session.
 */
export function createQueue(maxFrames: number, maxBytes: number, transmit: Transmit) {
  /** The frames that were written in this session, oldest first. */
  const written: OutgoingFrame[] = [];
  /** The frames that come after them. */
  const waiting: OutgoingFrame[] = [];
  /** The number of frames that the server has handled in this session. */
  let done = 0;

  const countOf = (value: unknown): number => toCount(value, done, done + written.length);

  /** Queues a frame, or rejects it if the queue is full. An empty queue takes a frame of any size. */
  function add(frame: OutgoingFrame): void {
    const frames = [...written, ...waiting];
    const bytes = frames.reduce((sum, { size }) => sum + size, frame.size);
    if (frames.length > 0 && (frames.length >= maxFrames || bytes > maxBytes))
      frame.reject(new ClientError("ERR_QUEUE_FULL", "Too many frames wait: await send."));
    else waiting.push(frame);
  }

  /** Removes a frame that has not been written. */
  function cancel(frame: OutgoingFrame): void {
    const index = waiting.indexOf(frame);
    if (index >= 0) waiting.splice(index, 1);
  }

  /** Writes frames until the window is full. Without a session, a written frame counts as handled. */
  function write({ window, maxPayload, session }: SessionLimits): void {
    while (written.length < window) {
      const frame = waiting.shift();
      if (!frame) return;
      if (frame.size > maxPayload)
        frame.reject(
          new ClientError("ERR_FRAME_TOO_LARGE", `${frame.size} bytes: send at most ${maxPayload}.`),
        );
      else {
        written.push(frame);
        transmit(frame.data);
        if (!session) settle(done + 1);
      }
    }
  }

  /** The server has handled the frames up to `count`. @throws {RangeError} if that cannot be. */
  function settle(count: unknown): void {
    const settled = written.splice(0, countOf(count) - done);
    done += settled.length;
    for (const { resolve } of settled) resolve();
  }

  /** Writes the frames after `received` again, to another socket. @throws {RangeError} if that cannot be. */
  function resend(received: unknown): void {
    for (const { data } of written.slice(countOf(received) - done)) transmit(data);
  }

  /** The session is lost: keeps the frames that the next session may write. */
  function startAgain(): void {
    done = 0;
    for (const frame of written.splice(0).reverse()) {
      if (frame.repeatable) waiting.unshift(frame);
      else frame.reject(new MayHaveBeenTaken());
    }
  }

  /** Rejects the frames that were written with `unknown`, and the others with `error`. */
  function fail(unknown: Error, error: Error): void {
    for (const { reject } of written.splice(0)) reject(unknown);
    for (const { reject } of waiting.splice(0)) reject(error);
  }

  const isEmpty = (): boolean => written.length + waiting.length === 0;
  return { isEmpty, add, cancel, write, settle, resend, startAgain, fail };
}

/** Returns `value`. @throws {RangeError} if it is not an integer from `min` to `max`. */
export function toCount(value: unknown, min = 0, max: number = Number.MAX_SAFE_INTEGER): number {
  if (Number.isSafeInteger(value) && min <= (value as number) && (value as number) <= max)
    return value as number;
  throw new RangeError();
}
