import type { AnyActor } from "xstate";
import type { Capability } from "../layers/backend.ts";
import type { ChannelLayer } from "../layers/channel-layer.ts";
import type { Delivery, Gap, Message, MessageOf } from "../layers/message.ts";
import type { GroupSendOptions } from "../layers/options.ts";
import type { AcceptOptions, ConsumerContext, Frame, Scope } from "./consumer-context.ts";
import type { MailboxOptions, OutboxOptions, Overflow, Supervision } from "./consumer-options.ts";
import type {
  ConsumerTypes,
  consumerTypes,
  MessagesOf,
  NoConsumerTypes,
  ParamsOf,
} from "./consumer-types.ts";
import { findHandler } from "./handlers.ts";
import type {
  AskGroupOptions,
  AskOptions,
  GroupAnswers,
  Members,
  SubmitOptions,
  TrackOptions,
} from "./messaging.ts";

/** The method that receives a client's frame; each base class decodes it. */
export const receiveFrame = Symbol("receiveFrame");

/** The method that receives a layer's message. It returns the reply, if the message is a request. */
export const receiveMessage = Symbol("receiveMessage");

/** The method that releases a consumer when another one replaces it. */
export const discard = Symbol("discard");

/**
 * The behaviour of one connection: the base of {@link WebSocketConsumer} and {@link JsonWebSocketConsumer}.
 *
 * Each connection has its own object. Its methods never overlap: `connect`, then one frame or message at a
 * time, a returned promise awaited before the next, then `disconnect`. An error that one of them throws, also
 * later in a timer or an unawaited promise, goes to the runtime's `onError` and closes this connection with
 * 1011 (500 before it was accepted), unless {@link supervision} says otherwise; no other connection is
 * affected.
 */
export abstract class Consumer<T extends ConsumerTypes = NoConsumerTypes> {
  /** The alias of the layer for this consumer's groups. */
  static readonly layer: string | undefined = undefined;
  /**
   * The capabilities that this consumer requires of its layer. `route` and `spawn` refuse the consumer if the
   * layer lacks one.
   *
   * @example
   * static override readonly needs = ["crossProcess"] as const;
   */
  static readonly needs: readonly Capability[] = [];
  /** The handler of each message type: made by {@link handlers}. */
  static readonly on: object = {};
  /** Mailbox capacity, and the overflow policy. */
  static readonly mailbox: MailboxOptions = {};
  /** Write-buffer limit for slow clients, and the overflow policy. */
  static readonly outbox: OutboxOptions = {};
  /** The effect of a failure. */
  static readonly supervision: Supervision = {};
  /**
   * The time limit of a handler, in milliseconds. Exceeding it counts as a failure, and the actor no longer
   * waits for the handler, which is not stopped: it should observe {@link signal}.
   * @default no limit
   */
  static readonly handlerTimeoutMs: number | undefined = undefined;

  declare readonly [consumerTypes]: T;
  readonly #context: ConsumerContext;

  /** Called by the runtime; the constructor of a subclass must pass the argument on. */
  constructor(context: ConsumerContext) {
    this.#context = context;
  }

  /** The request: path, parameters, headers, user. */
  get scope(): Scope<ParamsOf<T>> {
    return this.#context.scope as Scope<ParamsOf<T>>;
  }

  /** This actor's address on all nodes, on the consumer's layer or, if it names none, the control layer. */
  get channel(): string {
    return this.#context.groups.channel;
  }

  /** Aborted when the connection ends, before `disconnect`: pass it to the calls that a handler awaits. */
  get signal(): AbortSignal {
    return this.#context.signal;
  }

  /** All layers of the runtime, by alias. */
  get layers(): Readonly<Record<string, ChannelLayer>> {
    return this.#context.runtime.layers;
  }

  /**
   * Called first, before the upgrade is answered. Call {@link accept} or {@link reject}; the connection is
   * accepted if neither was called. Frames and messages wait until the returned promise has settled.
   */
  connect(): void | Promise<void> {}

  /**
   * Called last, once, if the connection was accepted, however it ended. Groups have been left, and frames
   * sent from here on are dropped. A returned promise is awaited for a bounded time.
   *
   * @param code the WebSocket close code; 1005 if the client gave none, 1006 if the connection was lost
   */
  disconnect(_code: number): void | Promise<void> {}

  /**
   * Called when messages may have been lost, in order with the delivered ones: messages to `gap.group`, or
   * direct sends to this channel if there is no group.
   */
  onGap(_gap: Gap): unknown {
    return undefined;
  }

  /** Called once for consecutive dropped messages, in their place. See {@link MailboxOptions}. */
  onOverflow(_overflow: Overflow): unknown {
    return undefined;
  }

  /**
   * Called first, instead of `connect`, on a consumer that replaces a failed one, see {@link Supervision}.
   * The client is still connected, and the groups are still joined.
   */
  restarted(_error: unknown): void | Promise<void> {}

  /**
   * Accepts the upgrade: from here on the socket is open and `send` works.
   *
   * @throws {AcceptError} if it was accepted before, if the client did not offer the subprotocol, or if a
   * header is malformed. The error fails the connection, awaited or not.
   * @throws {ConnectionLostError} if the connection is closing. If awaited, it ends `connect`, as it should.
   */
  accept(options: AcceptOptions = {}): Promise<void> {
    const accepting = new Promise<void>((resolve) => resolve(this.#context.accept(options)));
    // Callers need not await it.
    accepting.catch(() => {});
    return accepting;
  }

  /**
   * Refuses the upgrade with an HTTP status from 400 to 599. Never returns: it ends `connect` by throwing,
   * which is not reported as an error. Browsers hide both values from scripts, but a plain GET of the same
   * path shows the refusals of guards and parameter checks.
   *
   * @throws {AcceptError} if the connection was accepted already: use {@link close} then.
   * @throws {InvalidOptionError} for any other status.
   */
  reject(status: number, reason: string): never {
    return this.#context.reject(status, reason);
  }

  /**
   * Sends one WebSocket message to the client, after all earlier ones. All frames of one turn of the event
   * loop are written together, so bytes MUST NOT change once sent: send a copy of a buffer that is reused. On
   * a closing connection the frame is dropped and counted as `closing`.
   *
   * @throws {AcceptError} before {@link accept}.
   */
  send(frame: Frame): void {
    this.#context.send(frame);
  }

  /**
   * Bytes sent to the client but not yet flushed to the network. 0 for an actor without a socket. Check it
   * before sending large amounts.
   */
  get waitingBytes(): number {
    return this.#context.waitingBytes;
  }

  /**
   * Closes the connection after the frames sent so far. Does nothing if it is closing already.
   *
   * @param code 1000 to 1003, 1007 to 1009, 1011 to 1014, or 3000 to 4999
   * @param reason at most 123 bytes of UTF-8
   * @throws {CloseError} if the code or the reason is invalid, or before {@link accept} (use {@link reject}).
   */
  close(code = 1000, reason = ""): void {
    this.#context.close(code, reason);
  }

  /**
   * Joins a group. Messages sent to the group after the promise resolves are delivered. Joining twice is one
   * membership. Does nothing on a closing connection.
   *
   * @throws {UnknownLayerError} if the consumer names no layer.
   * @throws {InvalidNameError} if the name breaks the rules of {@link ChannelLayer}, or begins with
   * `greenroom.`.
   * @throws {LayerUnavailableError} if the layer's server does not answer.
   */
  groupAdd(group: string): Promise<void> {
    return this.#context.groups.groupAdd(group);
  }

  /** Leaves a group at once; its messages that wait in the mailbox are still handled. */
  groupDiscard(group: string): Promise<void> {
    return this.#context.groups.groupDiscard(group);
  }

  /**
   * Sends a message to every member of a group on every node, including this actor if it is a member. To skip
   * this actor, pass `{ except: this.channel }`.
   *
   * @throws as {@link ChannelLayer.groupSend} does.
   */
  groupSend(group: string, message: MessageOf<MessagesOf<T>>, options: GroupSendOptions = {}): Promise<void> {
    return this.#context.groups.groupSend(group, message, options);
  }

  /** Sends a message to an actor on any node, at most once. @throws as {@link Runtime.send} does. */
  sendTo(channel: string, message: Message): Promise<void> {
    return this.#context.messaging.sendTo(channel, message);
  }

  /**
   * Asks an actor on any node, and resolves with the value that its handler returned. While a handler awaits
   * the reply, this actor handles nothing else: two actors that ask each other from handlers run into a
   * timeout.
   *
   * @throws {AskFailedError} also if the actor is this one. Otherwise as {@link Runtime.ask} does.
   */
  ask<R = unknown>(channel: string, message: Message, options: AskOptions = {}): Promise<R> {
    return this.#context.messaging.ask(channel, message, options) as Promise<R>;
  }

  /** Asks all other members of a group, on every node. @throws as {@link Runtime.askGroup} does. */
  askGroup(group: string, message: Message, options: AskGroupOptions = {}): Promise<GroupAnswers> {
    return this.#context.messaging.askGroup(group, message, options);
  }

  /**
   * Adds a tag to this actor, until it ends. Actors may share a tag, `user.42` say: the runtime counts and
   * disconnects connections by tag on every node. Does nothing on a closing connection.
   *
   * @throws {InvalidNameError} unless the tag is a valid group name.
   */
  tag(tag: string): void {
    this.#context.messaging.tag(tag);
  }

  /** Removes a tag, if this actor has it. */
  untag(tag: string): void {
    this.#context.messaging.untag(tag);
  }

  /**
   * Makes this actor present in a group until it ends, on every node soon. It need not have joined the group.
   * Another call replaces the meta. A consumer that handles `presence_diff` receives a {@link PresenceDiff}
   * whenever a member joins or leaves, itself included. Does nothing on a closing connection.
   *
   * @param meta data that other members see: plain values, at most 64 KiB encoded
   * @throws {InvalidNameError}
   * @throws {InvalidMessageError} if a message cannot hold the meta.
   * @throws {InvalidOptionError} if the key is not a string of 1 to 256 characters.
   */
  track(group: string, meta: unknown = {}, options: TrackOptions = {}): void {
    this.#context.messaging.track(group, meta, options);
  }

  /** Ends this actor's presence in a group, if it is present. */
  untrack(group: string): void {
    this.#context.messaging.untrack(group);
  }

  /**
   * Watches the presence in a group without being present: this actor receives a {@link PresenceDiff} for
   * each change from now on. {@link presence} returns the current members. On a closing connection, no
   * effect.
   *
   * @throws {InvalidNameError}
   *
   * @example
   * this.watch("lobby");
   * this.sendJson([...this.presence("lobby").keys()]); // later changes arrive as `presence_diff`
   */
  watch(group: string): void {
    this.#context.messaging.watch(group);
  }

  /** Stops watching a group, if this actor watches it. */
  unwatch(group: string): void {
    this.#context.messaging.unwatch(group);
  }

  /**
   * Submits a job to the workers of a channel, in any process. This actor receives its {@link JobMessages}.
   *
   * @returns the job's id, once the job is in the queue
   * @throws as {@link ChannelLayer.send} does for a named channel.
   */
  submit(channel: string, message: Message, options: SubmitOptions = {}): Promise<string> {
    return this.#context.messaging.submit(channel, message, options);
  }

  /** The members present in a group on all nodes, as far as this node knows. */
  presence<M = unknown>(group: string): Members<M> {
    return this.#context.messaging.presence(group) as Members<M>;
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
    const { on } = this.constructor as typeof Consumer;
    const handler = findHandler(on, message.type);
    if (handler !== undefined) return handler.call(this, message, delivery);
    this.unhandled();
    return undefined;
  }

  /** @internal Counts an unhandled frame or message. */
  protected unhandled(): void {
    this.#context.unhandled();
  }
}

/** The static properties that configure a class of consumers. */
export type ConsumerStatics = Pick<
  typeof Consumer,
  "layer" | "needs" | "on" | "mailbox" | "outbox" | "supervision" | "handlerTimeoutMs"
>;
