import type { SendOptions } from "./client.ts";
import { toCount } from "./counts.ts";
import { encoder } from "./encoder.ts";
import { ClientError, MayHaveBeenTaken } from "./errors.ts";

/** A frame of the application on its way to the server. */
export interface OutgoingFrame {
  /** The frame as it is written. */
  readonly data: string | Uint8Array;
  /** The number of bytes of `data` on the wire. */
  readonly size: number;
  /** Whether the frame may be handled twice. */
  readonly repeatable: boolean;
  /** Whether a session that has ended may have taken the frame. */
  isUncertain?: boolean;
  /** Called once the server has handled the frame. */
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** The limits for frames of the client, which `hello` tells. */
export interface SessionLimits {
  readonly window: number;
  readonly maxPayload: number;
  /** Absent if the consumer refuses sessions. */
  readonly session?: string;
}

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

  /** The number of written frames up to `count`. @throws {RangeError} if that cannot be. */
  const lengthUpTo = (count: unknown): number => toCount(count, done, done + written.length) - done;

  /** Queues a frame, or rejects it if the queue is full. An empty queue takes a frame of any size. */
  function add(frame: OutgoingFrame): void {
    let frames = 0;
    let bytes = frame.size;
    for (const { size } of [...written, ...waiting]) {
      frames += 1;
      bytes += size;
    }
    if (frames && (frames >= maxFrames || bytes > maxBytes))
      frame.reject(new ClientError("ERR_QUEUE_FULL", "Too many frames wait."));
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
        frame.reject(new ClientError("ERR_FRAME_TOO_LARGE", `Send at most ${maxPayload} bytes.`));
      else {
        written.push(frame);
        transmit(frame.data);
        if (!session) settle(done + 1);
      }
    }
  }

  /** The server has handled the frames up to `count`. @throws {RangeError} if that cannot be. */
  function settle(count: unknown): void {
    const settled = written.splice(0, lengthUpTo(count));
    done += settled.length;
    for (const { resolve } of settled) resolve();
  }

  /** Writes the frames after `received` again, to another socket. @throws {RangeError} if that cannot be. */
  function resend(received: unknown): void {
    for (const { data } of written.slice(lengthUpTo(received))) transmit(data);
  }

  /**
   * The session has ended. Keeps the frames that the next session may write, in their order, and rejects the others.
   * @param isExact whether the server has confirmed each frame that it has handled. It handles one frame at a time,
   *   so only the first of the others may have been taken. Otherwise, each of them may have been.
   * @param error rejects the frames that were certainly not taken, because no session follows.
   */
  function endSession(isExact: boolean, error?: Error): void {
    done = 0;
    for (const frame of isExact ? written.slice(0, 1) : written) frame.isUncertain = true;
    for (const frame of [...written.splice(0), ...waiting.splice(0)]) {
      const isGivenUp = frame.isUncertain && (error || !frame.repeatable);
      const failure = isGivenUp ? new MayHaveBeenTaken() : error;
      if (failure) frame.reject(failure);
      else waiting.push(frame);
    }
  }

  const isEmpty = (): boolean => !written.length && !waiting.length;
  return { isEmpty, add, cancel, write, settle, resend, endSession };
}
