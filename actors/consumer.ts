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

/** How the runtime hands a client's frame to a consumer; each base class decodes it in its own way. */
export const receiveFrame = Symbol("receiveFrame");

/** How the runtime hands a layer's message to a consumer. What it returns is the answer, if one was asked for. */
export const receiveMessage = Symbol("receiveMessage");

/** How the runtime lets go of a consumer that another one takes over from. */
export const discard = Symbol("discard");

/**
 * The behaviour of one connection: what {@link WebSocketConsumer} and {@link JsonWebSocketConsumer} share.
 *
 * One object is made for each connection. Its methods never overlap: `connect`, then one frame or message at a time,
 * a returned promise awaited before the next, then `disconnect`. Whatever one of them throws, or what it leaves behind
 * throws later (a timer, a promise nobody awaits), goes to the runtime's `onError`, and closes this connection with 1011
 * (500 before it was accepted) unless {@link supervision} says otherwise; nobody else notices.
 */
export abstract class Consumer<T extends ConsumerTypes = NoConsumerTypes> {
  /** The alias of the layer that this consumer's groups are on. */
  static readonly layer: string | undefined = undefined;
  /**
   * What this consumer cannot do without on its layer. Where the layer lacks one of these, `route` and `spawn` refuse
   * the consumer.
   *
   * @example
   * static override readonly needs = ["crossProcess"] as const;
   */
  static readonly needs: readonly Capability[] = [];
  /** What to do on each message type: made by {@link handlers}. */
  static readonly on: object = {};
  /** How many messages may wait for an actor, and what becomes of those that are too many. */
  static readonly mailbox: MailboxOptions = {};
  /** How much may wait for a client that reads slowly, and what becomes of what is too much. */
  static readonly outbox: OutboxOptions = {};
  /** What a failure does. */
  static readonly supervision: Supervision = {};
  /**
   * How long a handler may take, in milliseconds, until that counts as its failure. It is not stopped by that: it should
   * heed {@link signal}, and what it still does is no longer waited for.
   * @default as long as it takes
   */
  static readonly handlerTimeoutMs: number | undefined = undefined;

  declare readonly [consumerTypes]: T;
  readonly #context: ConsumerContext;

  /** Called by the runtime; a subclass with a constructor of its own passes the argument on. */
  constructor(context: ConsumerContext) {
    this.#context = context;
  }

  /** The facts of this connection. */
  get scope(): Scope<ParamsOf<T>> {
    return this.#context.scope as Scope<ParamsOf<T>>;
  }

  /** This actor's address, from any node. It is on the consumer's layer, or on the control layer if it names none. */
  get channel(): string {
    return this.#context.groups.channel;
  }

  /** Aborted on the way out, before `disconnect`: hand it to whatever a handler waits for. */
  get signal(): AbortSignal {
    return this.#context.signal;
  }

  /** All layers of the runtime, by alias. */
  get layers(): Readonly<Record<string, ChannelLayer>> {
    return this.#context.runtime.layers;
  }

  /**
   * Called first, before the upgrade is answered. Call {@link accept} or {@link reject}; if it returns with neither,
   * the connection is accepted. Frames and messages wait until its promise has settled.
   */
  connect(): void | Promise<void> {}

  /**
   * Called last, once, if the connection was accepted, whichever way it ended. Groups have been left, and what is sent
   * to the client from here on is dropped. A promise is awaited for a bounded time.
   *
   * @param code the WebSocket close code; 1005 if the client gave none, 1006 if it vanished
   */
  disconnect(_code: number): void | Promise<void> {}

  /**
   * Called when messages may have been lost, in order with those that did arrive: those of `gap.group`, or direct sends
   * to this channel where there is no group.
   */
  onGap(_gap: Gap): unknown {
    return undefined;
  }

  /** Called once for messages that were dropped in a row, in their place among the others: see {@link MailboxOptions}. */
  onOverflow(_overflow: Overflow): unknown {
    return undefined;
  }

  /**
   * Called first, in place of `connect`, on a consumer that takes over from one that failed, see {@link Supervision}:
   * the client is connected, and the groups are those that were joined.
   */
  restarted(_error: unknown): void | Promise<void> {}

  /**
   * Answers the upgrade: from here on the socket is open and `send` works.
   *
   * @throws {AcceptError} if it was accepted before, if the subprotocol is not one the client offered, or if a header
   * is malformed. This fails the connection, awaited or not.
   * @throws {ConnectionLostError} if the connection is on its way out. Awaited, it ends `connect`, as it should.
   */
  accept(options: AcceptOptions = {}): Promise<void> {
    const accepting = new Promise<void>((resolve) => resolve(this.#context.accept(options)));
    // Nobody has to await it.
    accepting.catch(() => {});
    return accepting;
  }

  /**
   * Refuses the upgrade with an HTTP status from 400 to 599. Never returns: it ends `connect` by throwing, which
   * nobody hears of as an error. Browsers hide both values from scripts, but a plain GET of the same path shows what
   * guards and parameter checks say.
   *
   * @throws {AcceptError} if the connection was accepted already: use {@link close} then.
   * @throws {InvalidOptionError} for another status.
   */
  reject(status: number, reason: string): never {
    return this.#context.reject(status, reason);
  }

  /**
   * Sends one WebSocket message to the client, after all sent before. It is written together with the others of this
   * turn of the event loop, so bytes MUST NOT be changed after they were sent: send a copy of a buffer that is used again. On a
   * connection that is on its way out it is dropped and counted as `closing`.
   *
   * @throws {AcceptError} before {@link accept}.
   */
  send(frame: Frame): void {
    this.#context.send(frame);
  }

  /**
   * Bytes that wait for the client: what was sent, and has not left for the network yet. 0 for an actor without a socket.
   * Who has much to send looks here before sending more.
   */
  get waitingBytes(): number {
    return this.#context.waitingBytes;
  }

  /**
   * Closes the connection after what was sent so far. Does nothing if it is closing already.
   *
   * @param code 1000 to 1003, 1007 to 1009, 1011 to 1014, or 3000 to 4999
   * @param reason at most 123 bytes of UTF-8
   * @throws {CloseError} if the code or the reason cannot go on the wire, or before {@link accept}: use {@link reject}.
   */
  close(code = 1000, reason = ""): void {
    this.#context.close(code, reason);
  }

  /**
   * Joins a group. Once it resolves, everything sent to the group arrives; joining twice is one membership. On a
   * connection that is on its way out it does nothing.
   *
   * @throws {UnknownLayerError} if the consumer names no layer.
   * @throws {InvalidNameError} if the group's name breaks the rules of {@link ChannelLayer}, or begins with `greenroom.`.
   * @throws {LayerUnavailableError} if the layer's server does not answer.
   */
  groupAdd(group: string): Promise<void> {
    return this.#context.groups.groupAdd(group);
  }

  /** Leaves a group; nothing sent to it is handled any more once this has been called, bar what waits in the mailbox. */
  groupDiscard(group: string): Promise<void> {
    return this.#context.groups.groupDiscard(group);
  }

  /**
   * Sends a message to every member of a group, on every node, this one included if it is a member. Members other than
   * this one: `{ except: this.channel }`.
   *
   * @throws as {@link ChannelLayer.groupSend} does.
   */
  groupSend(group: string, message: MessageOf<MessagesOf<T>>, options: GroupSendOptions = {}): Promise<void> {
    return this.#context.groups.groupSend(group, message, options);
  }

  /** Sends a message to an actor, on whatever node it is, at most once. @throws as {@link Runtime.send} does. */
  sendTo(channel: string, message: Message): Promise<void> {
    return this.#context.messaging.sendTo(channel, message);
  }

  /**
   * Asks an actor, on whatever node it is, and gives what its handler returned. While a handler awaits this, nothing else is
   * handled here: two actors that ask each other from their handlers wait until the time is over.
   *
   * @throws {AskFailedError} if the actor is this one, too. Otherwise as {@link Runtime.ask} does.
   */
  ask<R = unknown>(channel: string, message: Message, options: AskOptions = {}): Promise<R> {
    return this.#context.messaging.ask(channel, message, options) as Promise<R>;
  }

  /** Asks all members of a group, on every node, but for this actor. @throws as {@link Runtime.askGroup} does. */
  askGroup(group: string, message: Message, options: AskGroupOptions = {}): Promise<GroupAnswers> {
    return this.#context.messaging.askGroup(group, message, options);
  }

  /**
   * Gives this actor a name that it may share with others, `user.42` say, until it ends: by it connections are counted and
   * disconnected on every node. On a connection that is on its way out it does nothing.
   *
   * @throws {InvalidNameError} unless the name could be that of a group.
   */
  tag(tag: string): void {
    this.#context.messaging.tag(tag);
  }

  /** Takes a name away. One that it does not have is fine. */
  untag(tag: string): void {
    this.#context.messaging.untag(tag);
  }

  /**
   * Makes this actor present in a group, which it need not have joined, until it ends: every node soon knows. Called again, it
   * replaces what was said before. If the consumer handles `presence_diff`, it gets a {@link PresenceDiff} whenever
   * somebody comes or goes, itself included. On a connection that is on its way out it does nothing.
   *
   * @param meta what others are to know: plain values, at most 64 KiB encoded
   * @throws {InvalidNameError}
   * @throws {InvalidMessageError} for a meta that no message can hold.
   * @throws {InvalidOptionError} for a key that is no text of 1 to 256 characters.
   */
  track(group: string, meta: unknown = {}, options: TrackOptions = {}): void {
    this.#context.messaging.track(group, meta, options);
  }

  /** Ends being present in a group. Where it is not, that is fine. */
  untrack(group: string): void {
    this.#context.messaging.untrack(group);
  }

  /**
   * Lets this actor hear who comes to a group and who goes, without being present in it: it gets a {@link PresenceDiff} for
   * each change from now on. Who is there now, {@link presence} says. On a connection that is on its way out it does nothing.
   *
   * @throws {InvalidNameError}
   *
   * @example
   * this.watch("lobby");
   * this.sendJson([...this.presence("lobby").keys()]); // and then what `presence_diff` brings
   */
  watch(group: string): void {
    this.#context.messaging.watch(group);
  }

  /** Ends watching a group. Where it does not, that is fine. */
  unwatch(group: string): void {
    this.#context.messaging.unwatch(group);
  }

  /**
   * Gives the workers of a channel something to do. This actor hears of it in {@link JobMessages}, from whatever process.
   *
   * @returns the job's id, once the job is in the queue
   * @throws as {@link ChannelLayer.send} does for a named channel.
   */
  submit(channel: string, message: Message, options: SubmitOptions = {}): Promise<string> {
    return this.#context.messaging.submit(channel, message, options);
  }

  /** Who is present in a group, on all nodes, as far as it is known here. */
  presence<M = unknown>(group: string): Members<M> {
    return this.#context.messaging.presence(group) as Members<M>;
  }

  /** @internal */
  abstract [receiveFrame](frame: Frame): unknown;

  /** @internal The XState actor that does what this consumer does, if one does. */
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

  /** @internal What came in, and this consumer has no use for. */
  protected unhandled(): void {
    this.#context.unhandled();
  }
}

/** The static properties that configure a class of consumers. */
export type ConsumerStatics = Pick<
  typeof Consumer,
  "layer" | "needs" | "on" | "mailbox" | "outbox" | "supervision" | "handlerTimeoutMs"
>;
