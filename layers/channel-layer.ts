import { randomBytes } from "node:crypto";
import { runOwned, watchAsyncErrors } from "./async-errors.ts";
import type { Backend, Capabilities, Health } from "./backend.ts";
import type { AnyMessage, Sendable } from "./carried.ts";
import { type LayerCounters, LayerMetrics } from "./counters.ts";
import { LocalChannelRegistry, type LocalChannels } from "./delivery/channel-registry.ts";
import { Receiver } from "./delivery/receiver.ts";
import { CallbackOwner, createReporter, type ErrorListener } from "./error-reporter.ts";
import { QueueFullError, UnknownChannelError } from "./errors.ts";
import { type GroupHistory, type HistoryOptions, historyReader } from "./history.ts";
import type { ConsumeOptions, JobHandler } from "./jobs/consume-options.ts";
import { JobQueues } from "./jobs/job-queues.ts";
import { Lifecycle } from "./lifecycle.ts";
import type { AnyMessages, Inbox, Message, MessageOf, Position } from "./message.ts";
import { checkChannel, checkGroup, checkQueue } from "./names.ts";
import type { ChannelLayerOptions, GroupSendOptions, JobAddress } from "./options.ts";
import type { JobConsumption, RunningJob } from "./running-jobs.ts";
import type { Lane } from "./scheduling/lane.ts";
import { TurnScheduler } from "./scheduling/turn-scheduler.ts";
import { type Envelope, encode } from "./wire/codec.ts";
import { createEncryption, type Encryption } from "./wire/encryption.ts";
import { PayloadDecoder } from "./wire/payload-decoder.ts";
import { Topics } from "./wire/topics.ts";

export type { LocalChannels } from "./delivery/channel-registry.ts";

/**
 * One node of a channel layer. A channel is the address of an inbox. A node sends messages to channels and to
 * groups of channels. The recipients can be on this node or on any other node that the backend reaches. Every
 * layer consists of this class and a {@link Backend}, and guarantees:
 *
 * - **Names** are 1 to 99 ASCII letters, digits, `-`, `_` and `.`; the name of a channel may contain one `!`.
 * - **Messages** are plain objects with a `type`, of at most 1 MiB when encoded. They hold null, booleans,
 *   numbers, strings, bytes, arrays and plain objects, up to 100 levels deep. `undefined` is omitted; an
 *   integer beyond 2^53 arrives as a bigint. A message is encoded when it is sent, so later changes to the
 *   object have no effect. A message arrives deep-frozen (except bytes), because all members on a node share
 *   one object.
 * - **Order**: one sender's messages to one group reach each member in the order sent. One sender's direct
 *   sends to one channel also arrive in the order sent. No order is guaranteed between different groups, or
 *   between a group and direct sends.
 * - **Delivery** to groups and to channels from {@link newChannel} is at most once, and never happens before
 *   `send` or `groupSend` has returned. A sender that is a member of the group receives its own message. If
 *   `delivery` in {@link capabilities} is `once-or-gap`, messages to a group during an outage arrive later.
 *   After a call of `groupDiscard`, no message of the group is delivered to the channel.
 * - **A large group does not block its node**: deliveries get at most about 5 ms in each turn of the event
 *   loop, and groups share this time. A longer delivery continues in the next turns. Members that join during
 *   the delivery receive only later messages. Members that leave receive nothing more.
 * - **Loss is never silent**: every dropped message is counted with a reason. If messages to a group may have
 *   been lost, its members receive a gap. An inbox that throws does not affect other inboxes.
 * - **Messages whose type begins with `xstate.`** are refused by the sender and dropped by the receiver.
 * - **After {@link close}** every method rejects with {@link LayerClosedError}.
 *
 * A layer opens on first use; {@link ready} opens it earlier and reports failures. Calls wait until the layer
 * is open, and then take effect in the order in which they were made.
 *
 * @typeParam M the messages that may be sent, as `{ type: payload }`.
 */
export class ChannelLayer<M = AnyMessages> {
  /** This node's id, unique among the nodes of the layer. */
  readonly node = randomBytes(10).toString("hex");
  /** See {@link ChannelLayerOptions.onError}. May be set later. If it is undefined, a runtime sets it. */
  onError: ErrorListener | undefined;
  readonly #backend: Backend;
  readonly #lifecycle: Lifecycle;
  readonly #topics: Topics;
  readonly #encryption: Encryption;
  readonly #decoder: PayloadDecoder;
  readonly #registry: LocalChannelRegistry;
  readonly #receiver: Receiver;
  readonly #queues: JobQueues;
  readonly #metrics = new LayerMetrics();
  /** Owns the inboxes, except those of actors, which own themselves. */
  readonly #owner: CallbackOwner;
  #lane: Lane | undefined;
  #ownsAsyncErrors: boolean;
  #unwatch = () => {};

  /**
   * @throws {InvalidNameError} if the prefix is invalid.
   * @throws {InvalidOptionError} for an invalid capacity or expiry, and for missing or empty encryption keys.
   */
  constructor(backend: Backend, options: ChannelLayerOptions) {
    this.onError = options.onError;
    const report = createReporter(() => this.onError);
    this.#owner = new CallbackOwner(report, { stage: "layer" });
    this.#ownsAsyncErrors = options.ownAsyncErrors ?? true;
    const metrics = this.#metrics;
    const topics = new Topics(options.prefix);
    this.#backend = backend;
    this.#topics = topics;
    this.#encryption = createEncryption(options.encryption);
    this.#decoder = new PayloadDecoder(this.#encryption, metrics, report);
    this.#registry = new LocalChannelRegistry(this.node, topics, backend, (error) =>
      report(error, { stage: "layer" }),
    );
    const context = { decoder: this.#decoder, registry: this.#registry, metrics, report };
    this.#receiver = new Receiver(topics.node(this.node), context, () => this.lane);
    this.#queues = new JobQueues(backend.queues, topics, options, context);
    this.#lifecycle = new Lifecycle({
      open: async () => {
        if (this.#ownsAsyncErrors) this.#unwatch = watchAsyncErrors();
        try {
          await backend.open(this.#receiver);
        } catch (error) {
          this.#unwatch();
          throw error;
        }
      },
      close: async () => {
        await this.#queues.close();
        await backend.close();
        this.#unwatch();
      },
    });
  }

  /** Decides when this layer delivers. A runtime replaces it. @default 5 ms in each turn of the event loop */
  get lane(): Lane {
    // Created for the first delivery, because in a process that only sends, owned work would cost time.
    this.#lane ??= runOwned(this.#owner, () => new TurnScheduler().lane());
    return this.#lane;
  }

  set lane(lane: Lane) {
    this.#lane = lane;
  }

  /** The optional features that this layer supports. */
  get capabilities(): Capabilities {
    return this.#backend.capabilities;
  }

  /** Whether messages can be sent and received now. */
  get health(): Health {
    const { state } = this.#lifecycle;
    if (state === "open") return this.#backend.health;
    return { ok: false, reason: state === "closed" ? "The layer is closed." : "The layer is not open yet." };
  }

  /**
   * The number of messages to groups and channels that are sent but not yet delivered. Defined only on memory
   * layers. There, the number covers all nodes on the same `MemoryBus`. Specs wait until the number is 0.
   */
  get inFlight(): number | undefined {
    return this.#backend.inFlight;
  }

  /** @internal Leaves the uncaught errors of handlers and inboxes to the process. */
  disownAsyncErrors(): void {
    this.#ownsAsyncErrors = false;
    this.#unwatch();
  }

  /** @internal The channels of this node, for the runtime that owns this layer. */
  get local(): LocalChannels {
    return this.#registry;
  }

  /** Returns a snapshot of the messages that this node has carried and dropped since it was created. */
  counters(): LayerCounters {
    return this.#metrics.snapshot();
  }

  /** The jobs that handlers of {@link consume} run on this node. The longest-running job is first. */
  get runningJobs(): readonly RunningJob[] {
    return this.#queues.running;
  }

  /**
   * Opens the layer. A layer opens only once, even if `ready` is called repeatedly.
   *
   * @throws {LayerUnavailableError} if the server does not answer. The message contains the server's address.
   *   The next call tries again.
   */
  ready(): Promise<void> {
    return this.#lifecycle.ready();
  }

  /**
   * Creates a channel whose messages go to `inbox`, and returns its name. The name identifies the node, so
   * any node can {@link send} to the channel. The channel exists until {@link deleteChannel} is called.
   */
  newChannel(inbox: Inbox): Promise<string> {
    return this.#lifecycle.run(() => {
      const add = () => this.#registry.add(inbox).channel;
      return this.#registry.listen()?.then(add) ?? add();
    });
  }

  /** Deletes a channel and its memberships immediately. Does nothing if the channel does not exist. */
  deleteChannel(channel: string): Promise<void> {
    return this.#lifecycle.run(
      () => this.#registry.remove(channel),
      () => checkChannel(channel),
    );
  }

  /**
   * Delivers `message` to one channel, on any node, at most once. If the channel no longer exists, the
   * promise still resolves, and the node of the channel counts the message as `no-channel`.
   *
   * A name without `!` identifies a named channel. The message stays in the queue of the named channel until
   * a worker that {@link consume}s the channel is done with the message. One sender's messages stay in order.
   *
   * @param address the channel that receives the outcome of a message to a named channel. Ignored for other
   *   channels.
   * @throws {InvalidNameError}
   * @throws {InvalidMessageError}
   * @throws {UnsupportedError} for a named channel, if the layer has no queues.
   * @throws {QueueFullError} for a named channel that has reached its
   *   {@link ChannelLayerOptions.queueCapacity}.
   * @throws {LayerUnavailableError} if it is not certain that the message was sent. If the connection broke
   *   before the server replied, a message for a named channel may have reached the queue.
   */
  async send<T extends AnyMessage>(
    channel: string,
    message: Sendable<M, T>,
    address?: JobAddress,
  ): Promise<void> {
    this.#lifecycle.refuseIfClosed();
    checkChannel(channel);
    const [node, own] = channel.split("!");
    if (node !== undefined && own !== undefined) {
      return this.#publish(this.#topics.node(node), message, { to: channel });
    }
    checkQueue(channel);
    if (address?.replyTo !== undefined) checkChannel(address.replyTo);
    return this.#transmit(message, address && { ...address }, this.#queues.sender(channel));
  }

  /**
   * Handles messages of a named channel. All consumers of the channel share its messages. Each message goes
   * to one handler at a time, at least once, and is removed when the promise of that handler resolves.
   *
   * If a handler throws or rejects, the message is retried after a pause. After `maxDeliveries` deliveries,
   * the message moves to the channel `<name>.dead`, even if this channel is full. A payload that is not a
   * valid message also moves to `<name>.dead`, which is consumed like other named channels. If a process
   * dies or is unreachable for `claimAfterMs`, its messages go to other workers. A message can therefore be
   * delivered twice; `delivery.attempt` counts the deliveries. With `concurrency` 1 and a single consumer,
   * messages are handled in order, except that others overtake a message that waits for a retry.
   *
   * The layer's {@link close} waits for running handlers, but rejects the calls that these handlers make to
   * the layer. If handlers send messages, close the consumption before the layer.
   *
   * @typeParam T the messages of this channel, if they differ from those of the layer.
   * @throws {InvalidNameError} for a name with a `!`, or with over 94 characters besides `.dead` at the end.
   * @throws {TypeError} if `handler` is not a function.
   * @throws {UnsupportedError} if the layer has no queues.
   * @throws {InvalidOptionError} for a number in `options` that is out of range.
   * @throws {LayerUnavailableError} if the queue cannot be reached at the time of the call. During later
   *   outages, the consumption retries until the queue can be reached.
   *
   * @example
   * const jobs = await layer.consume("jobs", async (message, { signal }) => resize(message, signal));
   * await jobs.close(); // resolves once the running handler is done
   */
  async consume<T = MessageOf<M>>(
    channel: string,
    handler: JobHandler<T>,
    options: ConsumeOptions = {},
  ): Promise<JobConsumption> {
    this.#lifecycle.refuseIfClosed();
    checkQueue(channel);
    if (typeof handler !== "function") {
      throw new TypeError("consume(channel, handler) needs a function that handles each message.");
    }
    return this.#lifecycle.run(() => this.#queues.consume(channel, handler as JobHandler<Message>, options));
  }

  /**
   * Deletes the messages of a named channel, and returns their number. Aborts the signals of running handlers,
   * whose messages are not retried. Consumers continue with later messages. `<name>.dead` stays.
   *
   * @throws as {@link send} does for a named channel.
   */
  async deleteQueue(channel: string): Promise<number> {
    checkQueue(channel);
    return this.#lifecycle.run(() => this.#queues.delete(channel));
  }

  /**
   * Adds a channel of this node to `group`. Once the promise resolves, the channel receives every later
   * message to the group, from any node. Adding a channel twice has no further effect. A channel that leaves
   * before the promise resolves does not become a member.
   *
   * @throws {UnknownChannelError} for a channel that this node has not created or has deleted.
   * @throws {LayerUnavailableError} if the group cannot be subscribed; the channel is then not a member.
   */
  groupAdd(group: string, channel: string): Promise<void> {
    return this.join(group, channel);
  }

  /**
   * @internal Like {@link groupAdd}. If the channel becomes a member, `onJoin` is called before the channel receives
   * anything, with the position of the newest message that it does not receive.
   */
  join(group: string, channel: string, onJoin?: (after: Position | undefined) => void): Promise<void> {
    const onEnter = onJoin && (() => onJoin(this.#backend.history?.position?.(this.#topics.group(group))));
    return this.#lifecycle.run(
      () => this.#registry.join(group, this.#registry.require(channel), onEnter),
      () => {
        checkGroup(group);
        checkChannel(channel);
      },
    );
  }

  /**
   * Removes a channel of this node from `group`. After this call, no message of the group is delivered to the
   * channel. Does nothing if the channel is not a member or has been deleted.
   *
   * @throws {UnknownChannelError} for a channel of another node.
   */
  async groupDiscard(group: string, channel: string): Promise<void> {
    this.#lifecycle.refuseIfClosed();
    checkGroup(group);
    checkChannel(channel);
    return this.#lifecycle.run(async () => {
      const member = this.#registry.member(channel);
      if (member !== undefined) return this.#registry.leave(group, member);
      if (this.#registry.owns(channel)) return;
      throw new UnknownChannelError(
        `"${channel}" is not a channel of this node. Only its own node can remove it from a group.`,
      );
    });
  }

  /**
   * Delivers `message` to every channel in `group`, on every node, at most once.
   *
   * One sender's messages to a group reach each member in the order sent. A group may have no members.
   *
   * @throws {InvalidNameError}
   * @throws {InvalidMessageError}
   * @throws {LayerUnavailableError} if the connection broke, or the server stopped answering, before the
   *   server confirmed the message. It is then not certain whether the message was sent: a retry may send the
   *   message twice.
   */
  async groupSend<T extends AnyMessage>(
    group: string,
    message: Sendable<M, T>,
    options?: GroupSendOptions,
  ): Promise<void> {
    this.#lifecycle.refuseIfClosed();
    checkGroup(group);
    const except = options?.except;
    if (except !== undefined) checkChannel(except);
    const envelope = except === undefined ? undefined : { except };
    return this.#publish(this.#topics.group(group), message, envelope);
  }

  /**
   * Reads the newest messages sent to `group` after `since`, up to `limit`, for late or reconnecting clients.
   *
   * A member may get one message both from `history` and in its inbox, so members should compare offsets.
   * Messages sent with `except` are included for every caller, and their entries name the excluded channel.
   * Invalid entries are left out and counted.
   *
   * @throws {InvalidNameError}
   * @throws {InvalidOptionError} if `limit` is not a positive integer, or `since` is not a position.
   * @throws {UnsupportedError} if the layer keeps no history: the message says how to get one.
   * @throws {LayerUnavailableError} if the history cannot be read.
   */
  async history(group: string, options: HistoryOptions = {}): Promise<GroupHistory> {
    this.#lifecycle.refuseIfClosed();
    checkGroup(group);
    const topic = this.#topics.group(group);
    return this.#lifecycle.run(historyReader(group, topic, options, this.#backend, this.#decoder));
  }

  /** @internal Keeps histories from now on. A runtime calls this method for a consumer that needs `history`. */
  keepHistory(): void {
    this.#backend.history?.keep?.();
  }

  /** @internal A secret of 32 bytes that all nodes of the layer share. Undefined if the layer keeps none. */
  async secret(): Promise<Uint8Array | undefined> {
    const stored = await this.#lifecycle.run(() => this.#backend.history?.secret?.(randomBytes(32)));
    return stored && this.#encryption.derive(stored);
  }

  /**
   * Resets this node: deletes all its channels and removes them from their groups, as {@link deleteChannel}
   * does. Resolves once the groups of these channels are unsubscribed.
   *
   * Later calls are not affected, even those made before the promise of `flush` resolves. Channel names are
   * not reused: a message to a deleted channel never reaches a new one, and is counted as `no-channel`.
   * Other nodes, counters and data on a server are not affected.
   */
  flush(): Promise<void> {
    return this.#lifecycle.run(() => this.#registry.flush());
  }

  /**
   * Closes this node: delivery to its channels stops at once, and later calls reject. Waits for running
   * handlers of named channels, then frees connections and timers. May be called repeatedly.
   *
   * Messages sent before this call are still sent, even if the layer, or a connection of it, is still opening
   * or reconnecting. Each of these waits ends after `connectTimeoutMs`, and the wait for replies after a
   * second. Then the sends reject with {@link LayerClosedError}, whose `cause` is the reason, and count as
   * `unavailable`. Other pending calls reject as well.
   */
  async close(): Promise<void> {
    this.#registry.clear();
    this.#receiver.close();
    return this.#lifecycle.close();
  }

  #publish(topic: string, message: object, envelope?: Envelope): Promise<void> {
    return this.#transmit(message, envelope, (payload) => this.#backend.publish(topic, payload));
  }

  /** Encodes `message` immediately, transmits the payload once the layer is open, and counts the outcome. */
  #transmit(
    message: object,
    envelope: Envelope | undefined,
    transmit: (payload: Uint8Array) => Promise<void>,
  ): Promise<void> {
    // Encoded before the layer is open, because the sender may change its message meanwhile.
    const payload = this.#encryption.encrypt(encode(message, envelope));
    return this.#count(this.#lifecycle.send(() => transmit(payload)));
  }

  async #count(sending: Promise<void>): Promise<void> {
    try {
      await sending;
    } catch (error) {
      this.#metrics.drop(error instanceof QueueFullError ? "queue-full" : "unavailable");
      throw error;
    }
    this.#metrics.published += 1;
  }
}
