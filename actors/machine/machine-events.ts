import type { AnyStateMachine, EventFrom } from "xstate";
import type { FrameId } from "../../contract/index.ts";
import type { Delivery, Gap, Message } from "../../layers/message.ts";
import type { Exit } from "../close-codes.ts";
import type { Scope } from "../consumer-context.ts";
import type { TrackOptions } from "../messaging.ts";
import type { TellEffect } from "../named-actor.ts";

/**
 * The frames that a machine without a contract accepts, by type: `{ press: { button: string } }` for a client that
 * sends `{"type":"press","button":"up"}`. Only the `type` has been checked. The other properties are unchecked
 * input of the client. For a machine with a contract, see {@link ContractEvents}.
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

/** The messages in the events of the machine `M`, by type. Any messages, if the machine declares no types of events. */
export type MachineMessages<M extends AnyStateMachine> = string extends EventFrom<M>["type"]
  ? Readonly<Record<string, object>>
  : { [E in MessageEventOf<EventFrom<M>> as TypeOf<E>]: Omit<E["message"], "type"> };

type MessageEventOf<E> = Extract<E, { readonly type: `message.${string}`; readonly message: object }>;
type TypeOf<E> = E extends { readonly type: `message.${infer T}` } ? T : never;

/** The other events of a connection. A machine may ignore any of them. */
export type ConnectionEvents =
  | { readonly type: "binary"; readonly bytes: Uint8Array }
  /** Messages may have been lost. */
  | { readonly type: "gap"; readonly gap: Gap }
  /** Messages were dropped, because the mailbox was full. */
  | { readonly type: "overflow"; readonly dropped: number }
  /** The client's socket is lost, and its session waits for the client to come back. */
  | { readonly type: "away" }
  /** The client has come back with another socket. */
  | { readonly type: "online"; readonly scope: Scope }
  /** The connection has ended, and the actor has left its groups. The machine stops after this event. */
  | { readonly type: "disconnect"; readonly code: number; readonly exit: Exit };

/**
 * The effects that a machine and its actors can `emit`. They are plain data, so that snapshots are plain data, too.
 * `F` is the type of the frames that the machine sends, and `R` that of its replies. For a machine with a contract,
 * see {@link ContractEffect}.
 */
export type Effect<F = unknown, R = unknown> =
  /** Sends a frame. Strings and bytes are sent unchanged, and any other value as JSON. */
  | { readonly type: "send"; readonly frame: F }
  | ReplyEffect<R>
  | RefuseEffect
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
  | TellEffect;

/**
 * Replies to the frame or the message that asks. A frame gets its reply at once, as {@link Effect} `send` does, and
 * only one. A message gets its reply when all effects are done; of several replies, the last one counts. A frame
 * without an id, and a message that does not ask, get no reply.
 *
 * Without `id`, the effect is possible only in the transition that the frame or the message causes: a later one,
 * such as that of a promise or a delayed transition, is an error.
 */
export interface ReplyEffect<R = unknown> {
  readonly type: "reply";
  readonly value: R;
  /**
   * The `id` of the frame, for a reply at any time, as often as the effect is emitted. If the property exists and is
   * undefined, because the client sent no id, the effect does nothing.
   */
  readonly id?: FrameId | undefined;
}

/**
 * Refuses a frame with a code of the application: the client gets a `greenroom.error`. The frame is counted in
 * `counters().refusedFrames` under the code. The ask of a message fails with the code and the message. Otherwise like
 * {@link ReplyEffect}. A frame without an id gets the error, too, without an id.
 */
export interface RefuseEffect {
  readonly type: "refuse";
  /** Must not begin with `greenroom.`. */
  readonly code: string;
  readonly message: string;
  /** Sent to the client as `data`: a value that JSON can hold. */
  readonly data?: unknown;
  readonly id?: FrameId | undefined;
}

const messagePrefix = "message.";

/** Returns a table for {@link Consumer.on}. Its keys are the message types that the machine accepts. */
export function messageTypes(machine: AnyStateMachine): object {
  const types = (machine.events as readonly string[]).flatMap((type) =>
    type.startsWith(messagePrefix) ? [type.slice(messagePrefix.length)] : [],
  );
  return Object.fromEntries(types.map((type) => [type, () => {}]));
}
