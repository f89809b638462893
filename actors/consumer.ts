import type { AnyActor } from "xstate";
import type { Capability } from "../layers/backend.ts";
import type { AnyMessage, Sendable } from "../layers/carried.ts";
import type { Delivery, Gap, Message } from "../layers/message.ts";
import type { GroupSendOptions } from "../layers/options.ts";
import { ActorOperations } from "./actor-operations.ts";
import type { Exit } from "./close-codes.ts";
import type { AcceptOptions, ConsumerContext, Frame, RejectOptions, ScopeOf } from "./consumer-context.ts";
import type {
  ConnectionLimits,
  MailboxOptions,
  OutboxOptions,
  Overflow,
  SessionOptions,
  Supervision,
} from "./consumer-options.ts";
import type { ConsumerTypes, MessagesOf, NoConsumerTypes, ServicesOf } from "./consumer-types.ts";
import { findHandler } from "./handlers.ts";
import { checkMessage } from "./message-schemas.ts";

/** The key of the method that receives a client's frame. Each base class decodes the frame in its own way. */
export const receiveFrame = Symbol("receiveFrame");

/** The key of the method that sends a frame to the client. Each base class has its own form of it. */
export const sendFrame = Symbol("sendFrame");

/** The key of the method that receives a layer message. The method's return value is the reply to an ask. */
export const receiveMessage = Symbol("receiveMessage");

/** The key of the method that releases a consumer's resources when another consumer replaces it. */
export const discard = Symbol("discard");

/**
 * Handles one connection. The base class of {@link WebSocketConsumer} and {@link JsonWebSocketConsumer}.
 *
 * Each connection has its own consumer object. The runtime calls `connect` first, then one method for each
 * frame or message, and `disconnect` last. The runtime awaits each of these calls before the next call.
 *
 * An error of a method, or of a timer or unawaited promise that a method started, goes to the runtime's
 * `onError`. The error closes only this connection: with the close code 1011, or with the HTTP status 500 if
 * the connection was not accepted yet. {@link supervision} can change the effect.
 */
export abstract class Consumer<T extends ConsumerTypes = NoConsumerTypes> extends ActorOperations {
  /** The alias of the layer for this consumer's groups. */
  static readonly layer: string | undefined = undefined;
  /**
   * The layer must have these capabilities. Otherwise `route` and `spawn` refuse the consumer.
   *
   * @example
   * static override readonly needs = ["crossProcess"] as const;
   */
  static readonly needs: readonly Capability[] = [];
  /** The message handlers by message type: the return value of the function {@link handlers}. */
  static readonly on: object = {};
  /** The schemas of messages by type: the return value of the function {@link messages}. */
  static readonly messages: object | undefined = undefined;
  /** The capacity of each actor's mailbox, and the policy for a full mailbox. */
  static readonly mailbox: MailboxOptions = {};
  /** The limits of each client's write buffer, and the policy for a client that exceeds them. */
  static readonly outbox: OutboxOptions = {};
  /**
   * The limits of each connection, in the place of the runtime's.
   *
   * @example
   * static override readonly limits = { framesPerSecond: 20, frameBurst: 100, groups: 10 } as const;
   */
  static readonly limits: ConnectionLimits = {};
  /** The limits of the sessions of clients; false to refuse sessions, so that the loss of a socket is the end. */
  static readonly session: SessionOptions | false = {};
  /** Decides what happens when the consumer fails. */
  static readonly supervision: Supervision = {};
  /**
   * The time limit of a handler, in milliseconds. A handler that exceeds the limit counts as failed, and the
   * actor no longer waits for it. The handler itself is not stopped, so it should observe {@link signal}.
   * @default no limit
   */
  static readonly handlerTimeoutMs: number | undefined = undefined;

  /**
   * Carries the declared types for the compiler. The property does not exist at run time. Its name is not a
   * symbol, because the compiler cannot write symbols into the declaration of a function that returns a class.
   */
  declare readonly "~types": T;
  readonly #context: ConsumerContext;

  /** Called by the runtime. A subclass that declares a constructor must pass `context` to `super`. */
  constructor(context: ConsumerContext) {
    super(context);
    this.#context = context;
  }

  /** The request: path, parameters, headers, cookies, user. */
  get scope(): ScopeOf<T> {
    return this.#context.scope as ScopeOf<T>;
  }

  /**
   * The services that were passed to `createRuntime`, such as a database. All consumers of a runtime share them.
   *
   * @example
   * class Board extends WebSocketConsumer<{ services: { db: Database } }> {
   *   override async receive(text: string) {
   *     await this.services.db.addItem(text);
   *   }
   * }
   * const runtime = createRuntime({ services: { db: await openDatabase() } });
   * runtime.route("/ws/board", Board);
   */
  get services(): ServicesOf<T> {
    return this.#context.runtime.services as ServicesOf<T>;
  }

  /**
   * Called first, before the upgrade is answered. May call {@link accept} or {@link reject}; otherwise the
   * connection is accepted once the promise resolves. Until the promise settles, frames and messages wait.
   */
  connect(): void | Promise<void> {}

  /**
   * Called once, as the last method, when an accepted connection has ended. The actor has already left its
   * groups. Frames that the actor sends now are dropped. The runtime awaits the promise for at most
   * `handlerGraceMs`.
   *
   * @param code the close code; 1005 if the close frame has no code, 1006 if the connection was lost
   * @param exit the code, the reason, and the party that ended the connection
   */
  disconnect(_code: number, _exit: Exit): void | Promise<void> {}

  /**
   * Called when messages to the group `gap.group` may have been lost. If `gap.group` is undefined, the
   * lost messages were sent to this actor's channel. The call takes the place of the lost messages: earlier
   * messages are handled before the call, and later messages are handled after the call.
   */
  onGap(_gap: Gap): unknown {
    return undefined;
  }

  /** Called once in the place of consecutive messages that were dropped. See {@link MailboxOptions}. */
  onOverflow(_overflow: Overflow): unknown {
    return undefined;
  }

  /**
   * Called when the client's socket is lost, and the session waits for the client to come back. Frames that the
   * actor sends now are kept for the client.
   */
  onAway(): unknown {
    return undefined;
  }

  /**
   * Called when the client has come back with another socket. `scope` is that of its new request. The property
   * {@link scope} does not change.
   */
  onOnline(_scope: ScopeOf<T>): unknown {
    return undefined;
  }

  /**
   * Called instead of `connect` on a consumer that replaces a failed consumer: see {@link Supervision}. The
   * client is still connected, and the actor is still a member of its groups.
   */
  restarted(_error: unknown): void | Promise<void> {}

  /**
   * Accepts the upgrade. After this call the socket is open, and `send` works.
   *
   * @throws {AcceptError} if the connection is already accepted, if the client did not offer the subprotocol,
   *   or if a header is malformed or belongs to the handshake. The connection fails, even if the returned
   *   promise is not awaited.
   * @throws {ConnectionLostError} if the connection is closing. This error is not reported to `onError`, so
   *   `connect` need not catch it.
   */
  accept(options: AcceptOptions = {}): Promise<void> {
    const accepting = new Promise<void>((resolve) => resolve(this.#context.accept(options)));
    // Without this, a promise that the caller does not await would be an unhandled rejection.
    accepting.catch(() => {});
    return accepting;
  }

  /**
   * Refuses the upgrade with an HTTP status from 400 to 599, or with a redirection (301, 302, 303, 307, 308)
   * and a `Location` header. Never returns: this method ends `connect` by throwing an error, which is not
   * reported to `onError`.
   *
   * Browsers hide the status and the reason of a refused upgrade from scripts. With a plain GET request for
   * the same path, a script sees a refusal by a guard or a parameter check, but not a refusal by this method.
   * To show a script the reason, {@link accept} the upgrade, and then {@link close} with a code and a reason.
   *
   * @example
   * this.reject(429, "Too many games", { headers: { "Retry-After": 30 } });
   *
   * @throws {AcceptError} if the connection is already accepted. Use {@link close} instead.
   * @throws {InvalidOptionError} if the status is not allowed, if a redirection has no `Location`, or if a
   *   header is malformed or belongs to the server, such as `Content-Length`.
   */
  reject(status: number, reason: string, options: RejectOptions = {}): never {
    return this.#context.reject(status, reason, options);
  }

  /** Bytes not yet flushed to the network; 0 without a socket. */
  get waitingBytes(): number {
    return this.#context.waitingBytes;
  }

  /**
   * Waits for room in the client's write buffer. Resolves once {@link waitingBytes} is at most half of
   * `maxLagBytes`, and at once if it already is. Await this after each part of much data, so that a slow
   * client receives all parts, and few bytes wait in memory.
   *
   * A spawned actor has no such buffer. If its frames are read from {@link ActorRef.outgoing}, the promise
   * resolves once at most 500 frames are unread.
   *
   * @throws {ConnectionLostError} if the connection ends first. This error is not reported to `onError`, so a
   *   handler need not catch it: the handler ends, and sends no more parts.
   *
   * @example
   * for await (const part of createReadStream(path)) {
   *   this.send(part);
   *   await this.drained();
   * }
   */
  drained(): Promise<void> {
    const draining = this.#context.drained();
    // Without this, a promise that the caller does not await would be an unhandled rejection.
    draining.catch(() => {});
    return draining;
  }

  /**
   * Closes the connection. Frames sent earlier precede the close frame. Does nothing on a closing connection.
   * The client has `closeTimeoutMs` (5 s) to read these frames and to answer. Then the connection is cut, and
   * frames that the client has not read are lost. So after much data, let the client close the connection.
   *
   * @param code 1000 to 1003, 1007 to 1009, 1011 to 1014, or 3000 to 4999
   * @param reason at most 123 bytes of UTF-8
   * @throws {CloseError} if the code or the reason is invalid.
   * @throws {AcceptError} if the connection is not accepted yet. Use {@link reject} instead.
   */
  close(code = 1000, reason = ""): void {
    this.#context.close(code, reason);
  }

  /**
   * Sends a message to every member of a group on every node, including this actor if it is a member. To skip
   * this actor, pass `{ except: this.channel }`. The compiler refuses a message with a part that no message can
   * hold, such as a `Date`.
   *
   * @throws as {@link ChannelLayer.groupSend} does.
   */
  groupSend<M extends AnyMessage>(
    group: string,
    message: Sendable<MessagesOf<T>, M>,
    options: GroupSendOptions = {},
  ): Promise<void> {
    return this.#context.groups.groupSend(group, message as Message, options);
  }

  /** @internal */
  abstract [receiveFrame](frame: Frame): unknown;

  /** @internal The XState actor of a machine consumer. */
  get machineActor(): AnyActor | undefined {
    return undefined;
  }

  /** @internal */
  [discard](): void {}

  /** @internal */
  [receiveMessage](message: Message, delivery: Delivery): unknown {
    const { on, messages } = this.constructor as typeof Consumer;
    if (messages !== undefined) checkMessage(messages, message, this.#context);
    const handler = findHandler(on, message.type);
    if (handler !== undefined) return handler.call(this, message, delivery);
    this.unhandled();
    return undefined;
  }

  /** @internal */
  [sendFrame](frame: Frame): void {
    this.#context.send(frame);
  }

  /** @internal Counts an unhandled frame or message. */
  unhandled(): void {
    this.#context.unhandled();
  }
}

/** The static properties that configure a class of consumers. */
export type ConsumerStatics = Pick<
  typeof Consumer,
  | "layer"
  | "needs"
  | "on"
  | "messages"
  | "mailbox"
  | "outbox"
  | "limits"
  | "session"
  | "supervision"
  | "handlerTimeoutMs"
>;
