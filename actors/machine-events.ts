import type { Delivery, Gap, Message } from "../layers/message.ts";
import type { Exit } from "./close-codes.ts";
import type { TrackOptions } from "./messaging.ts";
import { parseJson } from "./parse-json.ts";

/**
 * The frames that a machine accepts, by type: `{ press: { button: string } }` for a client that sends
 * `{"type":"press","button":"up"}`. Only the `type` has been checked. The other properties are unchecked
 * input of the client.
 */
export type FrameEvents<Frames> = {
  [K in keyof Frames & string]: {
    readonly type: `frame.${K}`;
    readonly frame: { readonly type: K } & Readonly<Frames[K]>;
  };
}[keyof Frames & string];

/** The layer messages that a machine accepts, by type: `{ note: { text: string } }`. Messages are frozen. */
export type MessageEvents<Messages> = {
  [K in keyof Messages & string]: {
    readonly type: `message.${K}`;
    readonly message: { readonly type: K } & Readonly<Messages[K]>;
    readonly delivery: Delivery;
  };
}[keyof Messages & string];

/** The other events of a connection. A machine may ignore any of them. */
export type ConnectionEvents =
  | { readonly type: "binary"; readonly bytes: Uint8Array }
  /** Messages may have been lost. */
  | { readonly type: "gap"; readonly gap: Gap }
  /** Messages were dropped, because the mailbox was full. */
  | { readonly type: "overflow"; readonly dropped: number }
  /** The connection has ended, and the actor has left its groups. The machine stops after this event. */
  | { readonly type: "disconnect"; readonly code: number; readonly exit: Exit };

/** The effects that a machine and its actors can `emit`. They are plain data, so that snapshots are plain data, too. */
export type Effect =
  /** Sends a frame. Strings and bytes are sent unchanged, and any other value as JSON. */
  | { readonly type: "send"; readonly frame: unknown }
  /** Done once the write buffer has room, as {@link Consumer.drained} describes. */
  | { readonly type: "drain" }
  | { readonly type: "close"; readonly code?: number; readonly reason?: string }
  | { readonly type: "join" | "leave" | "untrack" | "watch" | "unwatch"; readonly group: string }
  | { readonly type: "tag" | "untag"; readonly tag: string }
  | ({ readonly type: "track"; readonly group: string; readonly meta?: unknown } & TrackOptions)
  /** If `others` is true, this connection does not receive the message. */
  | {
      readonly type: "groupSend";
      readonly group: string;
      readonly message: Message;
      readonly others?: boolean;
    }
  /**
   * The reply to the current ask. If the machine emits several answers, the last answer is sent. An answer is
   * possible only in the transition that the asked message causes: a later one, such as that of a promise or a
   * delayed transition, is an error.
   */
  | { readonly type: "answer"; readonly value: unknown };

/** The JSON answer to a text frame that the connection's machine does not accept. */
export interface UnexpectedFrame {
  readonly type: "error";
  /** `bad_frame`: the frame is not a JSON object with a `type`, or has a number such as `1e999`. `unexpected`: the state refuses the type. */
  readonly code: "bad_frame" | "unexpected";
  readonly message: string;
  /** The frame types that the current state accepts. A `*` at the end of a type stands for any text. */
  readonly expected: readonly string[];
}

export interface FrameEvent {
  readonly type: `frame.${string}`;
  readonly frame: { readonly type: string; readonly [key: string]: unknown };
}

/** Matches the types that a frame may have. They have no wildcards and at most 99 characters. */
const typePattern = /^[A-Za-z0-9_.-]{1,99}$/;

/** Parses a JSON object with a valid `type`, as {@link parseJson} does. Returns undefined for any other text. */
export function readFrame(text: string): FrameEvent | undefined {
  let frame: unknown;
  try {
    frame = parseJson(text);
  } catch {
    return undefined;
  }
  if (typeof frame !== "object" || frame === null || !Object.hasOwn(frame, "type")) return undefined;
  const { type } = frame as { readonly type: unknown };
  if (typeof type !== "string" || !typePattern.test(type)) return undefined;
  return { type: `frame.${type}`, frame: frame as FrameEvent["frame"] };
}
