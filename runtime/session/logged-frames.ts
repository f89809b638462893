import type { Frame } from "../../actors/index.ts";
import { payloadSize } from "../socket/frame-encoder.ts";
import { SmallLru } from "../socket/small-lru.ts";

/** A frame in the logs of sessions. Sessions that get the same frame share the object. */
export interface LoggedFrame {
  readonly frame: Frame;
  /** The size of the payload, in bytes. */
  readonly bytes: number;
  /** The number of logs that hold the frame. */
  logs: number;
}

/** The frames in the logs of all sessions of a node. */
export class LoggedFrames {
  readonly #recent = new SmallLru<LoggedFrame>();
  #bytes = 0;

  /** The payloads of all logs, in bytes. A frame counts once, however many logs hold it. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Returns the object for `frame`, for one more log. */
  keep(frame: Frame): LoggedFrame {
    const logged =
      this.#recent.find(frame) ?? this.#recent.add({ frame, bytes: payloadSize(frame), logs: 0 });
    if (logged.logs === 0) this.#bytes += logged.bytes;
    logged.logs += 1;
    return logged;
  }

  /** Called when a log no longer holds the frame. */
  release(logged: LoggedFrame): void {
    logged.logs -= 1;
    if (logged.logs === 0) this.#bytes -= logged.bytes;
  }
}
