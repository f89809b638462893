import type { IncomingHttpHeaders } from "node:http";
import type { AnyActor, InspectionEvent, Observer } from "xstate";
import type { ContractParams } from "../contract/index.ts";
import type { ChannelLayer } from "../layers/channel-layer.ts";
import type { Clock } from "../layers/clock.ts";
import type { Delivery, Message } from "../layers/message.ts";
import type { GroupSendOptions } from "../layers/options.ts";
import type { ConsumerTypes, ContractOf, ParamsOf, UserOf } from "./consumer-types.ts";
import type { Messaging } from "./messaging.ts";

/** The parts of a request's URL that a proxy in front of the server replaces. */
export interface Forwarded {
  /** The protocol between the client and the first proxy, from `X-Forwarded-Proto`. Undefined if it is not given. */
  readonly protocol: "http" | "https" | undefined;
  /** The host, and the port if there is one, from `X-Forwarded-Host`. Undefined if it is not given. */
  readonly host: string | undefined;
}

/**
 * The immutable facts about a request and its user. `P` is the union of the path parameters' names, `U` the type of
 * the user, and `V` that of the parameters, if a contract's schema changes them.
 */
export interface Scope<P extends string = string, U = unknown, V = { readonly [K in P]: string }> {
  /** The request path as the client sent it, without the query. For a spawned actor, empty by default. */
  readonly path: string;
  /** The decoded path parameters, which have passed the route's checks. */
  readonly params: V;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /**
   * The cookies of the request by name, with decoded values; frozen. A value whose escapes are malformed is as the
   * client sent it. The first of several cookies with one name counts. Only the first 256 cookies within the first
   * 16,384 characters of the header are read. A client can send any cookies, so check a value before you trust it.
   *
   * @example
   * const session = await sessions.find(this.scope.cookies.session);
   */
  readonly cookies: Readonly<Record<string, string | undefined>>;
  /** The subprotocols of the request, in the order of the client. `accept({ subprotocol })` chooses one. */
  readonly subprotocols: readonly string[];
  /**
   * The address of the client. If the runtime's option `trustProxy` names the proxy in front of the server, the address
   * is the one in `X-Forwarded-For`, else the address of the socket's peer. An IPv4 address is plain, such as
   * `192.0.2.1`, also if the server listens on IPv6. Undefined if the socket has none.
   */
  readonly clientAddress: string | undefined;
  /** Present if a proxy has sent the request that the runtime's option `trustProxy` names. */
  readonly forwarded?: Forwarded;
  /** The token that `greenroom/client` sent for the guards; undefined if there is none. */
  readonly token: string | undefined;
  /** The user that a guard found. */
  readonly user: U;
}

/** The scope of a consumer that declares the types `T`. */
export type ScopeOf<T extends ConsumerTypes> = [ContractOf<T>] extends [never]
  ? Scope<ParamsOf<T>, UserOf<T>>
  : Scope<string, UserOf<T>, ContractParams<ContractOf<T>>>;

/** The content of one WebSocket message: text or bytes. The bytes MUST NOT change after sending. */
export type Frame = string | Uint8Array;

/**
 * Headers of an answer, by name. An array gives one header line for each of its texts, as several cookies
 * need: `{ "Set-Cookie": ["a=1", "b=2"] }`. The values hold printable ASCII characters.
 */
export type ResponseHeaders = Readonly<Record<string, string | number | readonly string[]>>;

/** Options of {@link Consumer.accept}. */
export interface AcceptOptions {
  /** One of `scope.subprotocols`. @default none */
  readonly subprotocol?: string;
  /** Additional headers of the upgrade response, such as cookies. @default {} */
  readonly headers?: ResponseHeaders;
}

/** Options of {@link Consumer.reject}. */
export interface RejectOptions {
  /** Additional headers of the answer, such as `Retry-After`. @default {} */
  readonly headers?: ResponseHeaders;
}

/** The operations of a consumer on the groups of its layer. */
export interface Groups {
  readonly channel: string;
  groupAdd(group: string): Promise<void>;
  groupDiscard(group: string): Promise<void>;
  groupSend(group: string, message: Message, options: GroupSendOptions): Promise<void>;
}

/** The timers of a consumer: see {@link Consumer.every} and {@link Consumer.after}. */
export interface Timers {
  /** Calls `callback` every `ms` milliseconds. Returns a function that stops this. */
  every(ms: number, callback: () => unknown): () => void;
  /** Calls `callback` once, after `ms` milliseconds. Returns a function that cancels the call. */
  after(ms: number, callback: () => unknown): () => void;
}

/** The parts of a runtime that all its consumers use. */
export interface ConsumerRuntime {
  readonly clock: Clock;
  readonly inspect: Observer<InspectionEvent> | undefined;
  readonly layers: Readonly<Record<string, ChannelLayer>>;
  /** The services that the application has passed to `createRuntime`, such as a database. */
  readonly services: object;
  readonly limits: { readonly schemaTimeoutMs: number };
  /** Whether to check what the server sends against its contract. */
  readonly validateOutgoing: boolean;
}

/** Lets a client catch up with relayed messages if its node dies. */
export interface RelayRecovery {
  /**
   * Called before a message is relayed. Returns whether its frame carries the position of the message, so that the
   * client can ask for the messages after it.
   */
  relays(delivery: Delivery): boolean;
}

/** The services that the runtime offers to one consumer. {@link Consumer} documents them. */
export interface ConsumerContext {
  readonly scope: Scope;
  readonly groups: Groups;
  readonly messaging: Messaging;
  readonly signal: AbortSignal;
  readonly runtime: ConsumerRuntime;
  /** The `snapshot` that was passed to `spawn`; otherwise undefined. */
  readonly snapshot: unknown;
  readonly waitingBytes: number;
  /** Undefined if relayed messages are not recovered: see {@link SessionOptions.recover}. */
  readonly recovery?: RelayRecovery | undefined;
  /** See {@link Consumer.accept}. */
  accept(options: AcceptOptions): void;
  /** See {@link Consumer.reject}. */
  reject(status: number, reason: string, options: RejectOptions): never;
  /** The timers of `consumer`. A consumer that was replaced after a failure starts no more timers. */
  timersOf(consumer: object): Timers;
  /** Sends a frame to the client. */
  send(frame: Frame): void;
  /** See {@link Consumer.drained}. */
  drained(): Promise<void>;
  /** See {@link Consumer.close}. */
  close(code: number, reason: string): void;
  /** Reports a failure that occurs outside of the methods that the runtime calls. */
  fail(error: unknown, stage: string): void;
  /** Reports that JSON cannot hold an answer to a delivered message, and counts the message as dropped. */
  notJson(error: unknown, stage: string): void;
  /** Called with the type of a valid frame of a contract, before its handler is called. */
  handlesFrame(type: string): void;
  /** Counts a client's frame that was refused with `code`. */
  countRefusal(code: string): void;
  /** Reports an error that may occur often: at most once a minute for each `key` of this consumer's class. */
  reportSometimes(key: string, stage: string, error: () => unknown): void;
  /**
   * Runs schemas. Their uncaught errors are reported now and then, and do not fail the actor: some libraries leave
   * promises behind. For example, zod calls an asynchronous check twice, and ignores the first promise.
   */
  runSchema<R>(work: () => R): R;
  /** Runs `work` before the waiting frames and messages are handled. `work` MUST NOT reject. */
  runNext(work: () => Promise<void>): void;
  /** Tells the runtime that the consumer is about to start `machine`. */
  runs(machine: AnyActor): void;
  /** Counts an unhandled frame or message. */
  unhandled(): void;
}
