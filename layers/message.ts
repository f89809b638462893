import type { TraceContext, TracedDelivery } from "./tracing.ts";

/** The messages of a layer without declared types: any type, with any payload. */
export interface AnyMessages {
  readonly [type: string]: { readonly [key: string]: unknown };
}

/** A message that `M` declares, as it is sent: one object that contains the payload and the `type`. */
export type MessageOf<M> = {
  [K in keyof M & string]: { readonly type: K } & Readonly<M[K]>;
}[keyof M & string];

/** A message as it arrives. It is deep-frozen, because all members on a node share one object. */
export interface Message {
  readonly type: string;
  readonly [key: string]: unknown;
}

/** A position in a group's history. The offset is the number of the message in its epoch, counted from 1. */
export interface Position {
  readonly offset: number;
  /** Changes when a history is lost or deleted. Offsets of different epochs cannot be compared. */
  readonly epoch: string;
}

/** How a message arrived: the group it was sent to, and its position if the layer keeps a history. */
export interface Delivery {
  /** Absent for a direct send. */
  readonly group?: string;
  readonly offset?: number;
  readonly epoch?: string;
  /** Present if the message may arrive twice: a repetition has the same id. */
  readonly id?: string;
}

/** A message and its delivery. All inboxes on a node receive the same object. */
export interface Mail {
  readonly message: Message;
  readonly delivery: Delivery;
  /** @internal Undefined unless the layer has a tracer, and the message carries a trace. */
  readonly trace?: TraceContext | TracedDelivery;
}

/** Messages may have been lost, for example after a reconnect. A consumer should fetch its state again. */
export interface Gap {
  /** The group whose messages may have been lost. Absent for direct sends to this channel. */
  readonly group?: string;
  /** The offset of the first missing message, if known. */
  readonly from?: number;
  /** The offset of the last missing message, if known. */
  readonly to?: number;
}

/**
 * Receives the messages and gaps of one channel. A layer calls inboxes synchronously, often thousands of
 * times in a row. An inbox MUST only store data or start work, and MUST NOT throw.
 */
export interface Inbox {
  /** Takes a message. MUST NOT throw. */
  deliver(mail: Mail): void;
  /** Takes a gap, in order with the messages. MUST NOT throw. */
  gap(gap: Gap): void;
  /** Optional: prepares for several messages. MUST call `deliverSome`, which calls `deliver` repeatedly. */
  batch?(deliverSome: () => void): void;
  /** Optional: called once when the channel is deleted, or its layer is flushed or closed. MUST NOT throw. */
  channelEnded?(): void;
}
