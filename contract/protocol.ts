/** Matches the types that a frame may have. They have no wildcards and at most 99 characters. */
export const typePattern = /^[\w.-]{1,99}$/;

/** The types of frames that belong to the protocol. */
export const FrameType = { reply: "greenroom.reply", error: "greenroom.error" } as const;

/**
 * The codes of a `greenroom.error` that the server itself sends:
 *
 * - `greenroom.bad_json`: the frame is not JSON, or holds a number that is too large, such as `1e999`
 * - `greenroom.bad_frame`: the frame is not a JSON object with a `type`, or a frame that asks has a wrong `id`
 * - `greenroom.unknown_type`: the contract has no frame of this type
 * - `greenroom.invalid`: the payload does not fit its schema; `issues` says where
 * - `greenroom.unexpected`: the machine does not take this frame in its current state; `expected` lists what it takes
 * - `greenroom.failed`: the schema or the handler failed; the server's `onError` has the error
 */
export const errorCodes = [
  "greenroom.bad_json",
  "greenroom.bad_frame",
  "greenroom.unknown_type",
  "greenroom.invalid",
  "greenroom.unexpected",
  "greenroom.failed",
] as const;

/** One of {@link errorCodes}. */
export type ErrorCode = (typeof errorCodes)[number];

/** Identifies a frame that asks: a finite number, or a text of at most 100 characters. */
export type FrameId = string | number;

/** A part of a payload that does not fit its schema. */
export interface FrameIssue {
  /** The keys from the payload to the part. Empty for the payload itself. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** The answer to a frame that asks. */
export interface ReplyFrame {
  readonly type: typeof FrameType.reply;
  readonly id: FrameId;
  readonly value: unknown;
}

/** The answer to a frame that was refused, or whose handler failed. */
export interface ErrorFrame {
  readonly type: typeof FrameType.error;
  /** The id of the frame, if it has one. */
  readonly id?: FrameId;
  /** One of {@link errorCodes}, or a code of the application. */
  readonly code: string;
  readonly message: string;
  /** Only with `greenroom.invalid`: the parts that do not fit, at most 20. */
  readonly issues?: readonly FrameIssue[];
  /** The types of the frames that the server takes now. A `*` at the end of a type stands for any text. */
  readonly expected?: readonly string[];
  /** Only with a code of the application: what the handler added. */
  readonly data?: unknown;
}
