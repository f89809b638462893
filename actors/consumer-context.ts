import type { IncomingHttpHeaders } from "node:http";
import type { AnyActor, InspectionEvent, Observer } from "xstate";
import type { ChannelLayer } from "../layers/channel-layer.ts";
import type { Clock } from "../layers/clock.ts";
import type { Message } from "../layers/message.ts";
import type { GroupSendOptions } from "../layers/options.ts";
import type { Messaging } from "./messaging.ts";

/** The facts of a connection, fixed when it is made. `P` holds the names of its path parameters. */
export interface Scope<P extends string = string> {
  /** The path of the request without its query, as the client sent it; empty for an actor spawned without a socket. */
  readonly path: string;
  /** The decoded path parameters, after the route's checks. */
  readonly params: { readonly [K in P]: string };
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** What the client offered, in its order. One of them may be given to `accept({ subprotocol })`. */
  readonly subprotocols: readonly string[];
  /** The address of the peer's socket; of the proxy, where there is one. */
  readonly clientAddress: string | undefined;
  /** Whatever a guard found out about who is there. */
  readonly user: unknown;
}

/** The content of one WebSocket message: text, or bytes. Bytes MUST NOT be changed once sent. */
export type Frame = string | Uint8Array;

export interface AcceptOptions {
  /** One of `scope.subprotocols`. Without it none is chosen. */
  readonly subprotocol?: string;
  /** Headers to add to the answer of the upgrade, cookies for instance. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** The membership of a consumer in the groups of its layer. */
export interface Groups {
  readonly channel: string;
  groupAdd(group: string): Promise<void>;
  groupDiscard(group: string): Promise<void>;
  groupSend(group: string, message: Message, options: GroupSendOptions): Promise<void>;
}

/** The part of a runtime that its consumers share. */
export interface ConsumerRuntime {
  readonly clock: Clock;
  /** Observes the consumers' machines. */
  readonly inspect: Observer<InspectionEvent> | undefined;
  readonly layers: Readonly<Record<string, ChannelLayer>>;
}

/** What a consumer asks of the runtime that runs it. {@link Consumer} documents each of these for users. */
export interface ConsumerContext {
  readonly scope: Scope;
  readonly groups: Groups;
  readonly messaging: Messaging;
  readonly signal: AbortSignal;
  readonly runtime: ConsumerRuntime;
  /** The snapshot that the consumer continues from; undefined for a new one. */
  readonly snapshot: unknown;
  /** Bytes that wait for the client. */
  readonly waitingBytes: number;
  accept(options: AcceptOptions): void;
  reject(status: number, reason: string): never;
  send(frame: Frame): void;
  close(code: number, reason: string): void;
  /** The consumer failed outside of a method that the runtime called. */
  fail(error: unknown, stage: string): void;
  /** The consumer is about to start a machine of its own. */
  runs(machine: AnyActor): void;
  /** Counts an unhandled frame or message. */
  unhandled(): void;
}
