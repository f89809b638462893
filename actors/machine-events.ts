import type { Delivery, Gap, Message } from "../layers/message.ts";

/**
 * The frames that a machine takes, by type: `{ press: { button: string } }` for a client that sends
 * `{"type":"press","button":"up"}`. They come from a client, so nothing but the type has been checked.
 */
export type FrameEvents<Frames> = {
  [K in keyof Frames & string]: {
    readonly type: `frame.${K}`;
    readonly frame: { readonly type: K } & Readonly<Frames[K]>;
  };
}[keyof Frames & string];

/** The messages of the layer that a machine takes, by type: `{ note: { text: string } }`. They are frozen. */
export type MessageEvents<Messages> = {
  [K in keyof Messages & string]: {
    readonly type: `message.${K}`;
    readonly message: { readonly type: K } & Readonly<Messages[K]>;
    readonly delivery: Delivery;
  };
}[keyof Messages & string];

/** The other events of a connection. A machine may ignore any of them. */
export type ConnectionEvents =
  /** A binary frame. */
  | { readonly type: "binary"; readonly bytes: Uint8Array }
  /** Messages may have been lost. */
  | { readonly type: "gap"; readonly gap: Gap }
  /** Messages were dropped, because the mailbox was full. */
  | { readonly type: "overflow"; readonly dropped: number }
  /** The last event: the client has gone, groups are left, and the machine is stopped after it. */
  | { readonly type: "disconnect"; readonly code: number };

/** What a machine can `emit`: effects are data, so that its snapshots stay plain data. */
export type Effect =
  /** Sends a frame: text and bytes as they are, anything else as JSON. */
  | { readonly type: "send"; readonly frame: unknown }
  | { readonly type: "close"; readonly code?: number; readonly reason?: string }
  | { readonly type: "join" | "leave" | "untrack" | "watch" | "unwatch"; readonly group: string }
  | { readonly type: "tag" | "untag"; readonly tag: string }
  | { readonly type: "track"; readonly group: string; readonly meta?: unknown; readonly key?: string }
  /** With `others`, this connection gets nothing. */
  | {
      readonly type: "groupSend";
      readonly group: string;
      readonly message: Message;
      readonly others?: boolean;
    }
  /** The answer to the ask that is being handled; the last one counts. */
  | { readonly type: "answer"; readonly value: unknown };

/** The JSON answer to a text frame that the connection's machine cannot take. */
export interface UnexpectedFrame {
  readonly type: "error";
  /** `bad_frame`: not a JSON object with a `type`. `unexpected`: the machine does not take it in its current state. */
  readonly code: "bad_frame" | "unexpected";
  readonly message: string;
  /** The types that the machine takes now. A type that ends with `*` stands for all types with that prefix. */
  readonly expected: readonly string[];
}

/** A client's frame as a machine's event. */
export interface FrameEvent {
  readonly type: `frame.${string}`;
  readonly frame: { readonly type: string; readonly [key: string]: unknown };
}

/** Frame types: not a wildcard, and not endless. */
const typePattern = /^[A-Za-z0-9_.-]{1,99}$/;

/** The event for a text frame; undefined unless it is a JSON object with a `type` of 1 to 99 letters, digits, `-`, `_`, `.`. */
export function readFrame(text: string): FrameEvent | undefined {
  let frame: unknown;
  try {
    frame = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof frame !== "object" || frame === null || !Object.hasOwn(frame, "type")) return undefined;
  const { type } = frame as { readonly type: unknown };
  if (typeof type !== "string" || !typePattern.test(type)) return undefined;
  return { type: `frame.${type}`, frame: frame as FrameEvent["frame"] };
}
