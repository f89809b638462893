import type { Frame } from "../../actors/index.ts";
import { payloadSize } from "../socket/frame-encoder.ts";

/** A frame in the logs of sessions. Sessions that get the same frame share the object. */
export interface LoggedFrame {
  readonly frame: Frame;
  /** The size of the payload, in bytes. */
  readonly bytes: number;
  /** The number of logs that hold the frame. */
  logs: number;
}

/** The memory that a log takes for each of its frames, in bytes, besides the frame itself. */
export const referenceBytes = 8;

/** The frames in the logs of all sessions of a node. Texts are the same by value, and buffers by identity. */
export class LoggedFrames {
  readonly #frames = new Map<Frame, LoggedFrame>();
  /** The frame that was kept last, because a room often gets one frame at a time. */
  #latest: LoggedFrame | undefined;
  #bytes = 0;

  /**
   * The memory of all logs, in bytes: the payload of each frame once, however many logs hold it, and
   * {@link referenceBytes} for each log that holds it.
   */
  get bytes(): number {
    return this.#bytes;
  }

  /** Returns the object for `frame`, for one more log. */
  keep(frame: Frame): LoggedFrame {
    const logged =
      this.#latest?.frame === frame ? this.#latest : (this.#frames.get(frame) ?? this.#add(frame));
    this.#latest = logged;
    logged.logs += 1;
    this.#bytes += referenceBytes;
    return logged;
  }

  /** Called when a log no longer holds the frame. */
  release(logged: LoggedFrame): void {
    logged.logs -= 1;
    this.#bytes -= referenceBytes;
    if (logged.logs > 0) return;
    this.#bytes -= logged.bytes;
    this.#frames.delete(logged.frame);
    if (this.#latest === logged) this.#latest = undefined;
  }

  #add(frame: Frame): LoggedFrame {
    const logged = { frame, bytes: payloadSize(frame), logs: 0 };
    this.#frames.set(frame, logged);
    this.#bytes += logged.bytes;
    return logged;
  }
}
