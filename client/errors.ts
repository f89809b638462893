import type { ErrorFrame } from "../contract/index.ts";

/**
 * The base class of every error of the client. Programs can rely on `code`; `message` is for people.
 *
 * - `ERR_QUEUE_FULL`: too many frames wait. Await `send` before the next call, or raise `maxQueue`
 * - `ERR_FRAME_TOO_LARGE`: the frame exceeds the server's `maxPayload`
 * - `ERR_ASK_TIMEOUT`: no reply came in time. The server may have handled the frame
 * - `ERR_EVENTS_OVERFLOW`: an iterator of `events` was read too slowly
 * - `ERR_INVALID_FRAME`: only in `onError`: a frame from the server does not fit the contract
 * - `ERR_TOKEN_TOO_LONG`: only in `onError`: the token exceeds 3,072 bytes
 * - `ERR_MAY_HAVE_BEEN_TAKEN`: see {@link MayHaveBeenTaken}
 * - `ERR_CONNECTION_CLOSED`: see {@link ConnectionClosed}
 */
export class ClientError extends Error {
  /** The stable name of the error: `ERR_QUEUE_FULL`. Of a {@link FrameRefused}, the code of the server's answer. */
  declare readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = "ClientError";
    this.code = code;
  }
}

/**
 * The session ended after the frame had been written and before the server confirmed it. The handler has run once
 * or not at all. Ask the server for its state, or send with `{ repeatable: true }`.
 */
export class MayHaveBeenTaken extends ClientError {
  constructor() {
    super("ERR_MAY_HAVE_BEEN_TAKEN", "Maybe taken: ask the server.");
  }
}

/** The connection is closed for good. The server has not handled the frame. Create a new connection with `connect`. */
export class ConnectionClosed extends ClientError {
  /** The close code. */
  declare readonly closeCode: number;
  /** The reason for the close. */
  declare readonly reason: string;
  /** The HTTP status of the refusal, if the server refused the connection. */
  declare readonly status: number | undefined;

  constructor(closeCode: number, reason: string, status?: number) {
    super("ERR_CONNECTION_CLOSED", `Closed: ${closeCode} ${reason}`);
    Object.assign(this, { closeCode, reason, status });
  }
}

/** The server refused a frame, or its handler failed. `code` is that of the server's `greenroom.error`. */
export class FrameRefused extends ClientError {
  /** The parts of the payload that do not fit their schema. */
  declare readonly issues: ErrorFrame["issues"];
  /** The types of the frames that the server takes now. */
  declare readonly expected: ErrorFrame["expected"];
  /** The value that the handler added. */
  declare readonly data: unknown;

  constructor({ code, message, issues, expected, data }: ErrorFrame) {
    super(code, message);
    Object.assign(this, { issues, expected, data });
  }
}
