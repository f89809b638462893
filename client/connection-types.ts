import type { ClientControl } from "../protocol/control-frames.ts";
import type { AnyClient, SendOptions } from "./client.ts";
import type { OutgoingFrame } from "./outgoing.ts";

export type Control = Readonly<Record<string, unknown> & { c: string }>;

/** The client that a connection belongs to. */
export interface ConnectionOwner {
  /** Takes a frame of the application. Must not throw. */
  deliver(data: string | Uint8Array): void;
  /** Takes a control frame that does not concern the connection. */
  control?(frame: Control): void;
  /**
   * The request for the relayed frames that were missed, after a session was lost. It is repeated after a resumption
   * until a ticket has arrived.
   */
  since?(isNewSession: boolean): ClientControl | undefined;
  /** The session has ended: no more answers will come to the frames that were taken. */
  ended?(isClosed: boolean): void;
}

/** A connection, as its client sees it. */
export interface Connection {
  /** The members that all clients have in common. */
  readonly client: AnyClient;
  report(error: unknown): void;
  /** Sends a frame in its wire form. */
  post(data: string | Uint8Array, options?: SendOptions): Promise<void>;
  enqueue(frame: OutgoingFrame): void;
  /** Removes a frame, unless it has been written. */
  cancel(frame: OutgoingFrame): void;
}

/** The fields of `hello`. */
export interface Hello {
  readonly session?: string;
  readonly maxBytes: number;
  readonly maxPayload: number;
  readonly window: number;
  readonly beatMs: number;
  readonly protocol?: string;
}
