import { randomBytes } from "node:crypto";
import type { Backend, Capabilities, Health } from "./backend.ts";
import type { AnyMessage, Sendable } from "./carried.ts";
import type { LayerCounters, LayerMeter } from "./counters.ts";
import type { LocalChannels } from "./delivery/channel-registry.ts";
import type { ErrorListener } from "./error-reporter.ts";
import { UnknownChannelError } from "./errors.ts";
import { type GroupHistory, type HistoryOptions, historyReader } from "./history.ts";
import type { ConsumeOptions, JobHandler } from "./jobs/consume-options.ts";
import { LayerParts } from "./layer-parts.ts";
import type { LayerState } from "./layer-state.ts";
import type { AnyMessages, Inbox, Message, MessageOf, Position } from "./message.ts";
import { groupEnvelope, jobEnvelope } from "./message-sender.ts";
import { checkChannel, checkGroup, checkQueue } from "./names.ts";
import type { ChannelLayerOptions, GroupSendOptions, JobAddress } from "./options.ts";
import type { JobConsumption, RunningJob } from "./running-jobs.ts";
import type { Lane } from "./scheduling/lane.ts";
import type { LayerTracer } from "./tracing.ts";

export type { LocalChannels } from "./delivery/channel-registry.ts";

/**
 * One node of a channel layer. A channel is the address of an inbox. A node sends messages to channels and to
 * groups of channels. The recipients can be on this node or on any other node that the backend reaches. Every
 * layer consists of this class and a {@link Backend}, and guarantees:
 *
 * - **Names** are 1 to 99 ASCII letters, digits, `-`, `_` and `.`; the name of a channel may contain one `!`.
 * - **Messages** are plain objects with a `type`, of at most 1 MiB when encoded. They hold null, booleans,
 *   numbers, strings, bytes, arrays and plain objects: at most 100,000 arrays and objects, up to 100 levels
 *   deep. `undefined` is omitted; an integer beyond 2^53 arrives as a bigint. A message is encoded when it is
 *   sent, so later changes to the object have no effect. A message arrives deep-frozen (except bytes), because
 *   all members on a node share one object.
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
  readonly #parts: LayerParts;

  /**
   * @throws {InvalidNameError} if the prefix is invalid.
   * @throws {InvalidOptionError} for an invalid capacity or expiry, and for missing or empty encryption keys.
   */
  constructor(backend: Backend, options: ChannelLayerOptions) {
    this.onError = options.onError;
    this.#parts = new LayerParts(this.node, backend, options, () => this.onError);
  }

  /** Decides when this layer delivers. A runtime replaces it. @default 5 ms in each turn of the event loop */
  get lane(): Lane {
    return this.#parts.lane;
  }

  set lane(lane: Lane) {
    this.#parts.lane = lane;
  }

  /** @internal Measures this layer, for the runtime that owns it. */
  set meter(meter: LayerMeter | undefined) {
    this.#parts.metrics.meter = meter;
  }

  /** The optional features that this layer supports. */
  get capabilities(): Capabilities {
    return this.#parts.backend.capabilities;
  }

  /** Whether messages can be sent and received now. */
  get health(): Health {
    return this.#parts.health;
  }

  /**
   * The number of messages to groups and channels that are sent but not yet delivered. Defined only on memory
   * layers. There, the number covers all nodes on the same `MemoryBus`. Specs wait until the number is 0.
   */
  get inFlight(): number | undefined {
    return this.#parts.backend.inFlight;
  }

  /** @internal Traces the messages of this layer. @default messages are not traced */
  get tracer(): LayerTracer | undefined {
    return this.#parts.sender.tracer;
  }

  /** @internal */
  set tracer(tracer: LayerTracer | undefined) {
    this.#parts.sender.tracer = tracer;
  }

  /** @internal Leaves the uncaught errors of handlers and inboxes to the process. */
  disownAsyncErrors(): void {
    this.#parts.disownAsyncErrors();
  }

  /** @internal The channels of this node, for the runtime that owns this layer. */
  get local(): LocalChannels {
    return this.#parts.registry;
  }

  /** @internal The named actors of this layer. */
  get state(): LayerState {
    return this.#parts.state;
  }

  /** Returns a snapshot of the messages that this node has carried and dropped since it was created. */
  counters(): LayerCounters {
    return this.#parts.metrics.snapshot();
  }

  /** @internal The named channels that this node consumes, each once. */
  get consumedChannels(): readonly string[] {
    return this.#parts.queues.channels;
  }

  /** The jobs that handlers of {@link consume} run on this node. The longest-running job is first. */
  get runningJobs(): readonly RunningJob[] {
    return this.#parts.queues.running;
  }

  /**
   * Opens the layer. A layer opens only once, even if `ready` is called repeatedly.
   *
   * @throws {LayerUnavailableError} if the server does not answer. The message contains the server's address.
   *   The next call tries again.
   */
  ready(): Promise<void> {
    return this.#parts.lifecycle.ready();
  }

  /**
   * Creates a channel whose messages go to `inbox`, and returns its name. The name identifies the node, so
   * any node can {@link send} to the channel. The channel exists until {@link deleteChannel} is called.
   */
  newChannel(inbox: Inbox): Promise<string> {
    return this.#parts.lifecycle.run(() => {
      const add = () => this.#parts.registry.add(inbox).channel;
      return this.#parts.registry.listen()?.then(add) ?? add();
    });
  }

  /** Deletes a channel and its memberships immediately. Does nothing if the channel does not exist. */
  deleteChannel(channel: string): Promise<void> {
    return this.#parts.lifecycle.run(
      () => this.#parts.registry.remove(channel),
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
    this.#parts.lifecycle.refuseIfClosed();
    checkChannel(channel);
    const [node, own] = channel.split("!");
    if (node !== undefined && own !== undefined) {
      const topic = this.#parts.topics.node(node);
      const envelope = { to: channel };
      return this.#parts.publish({ operation: "send", destination: channel, message, envelope, topic });
    }
    checkQueue(channel);
    const { queues, sender, topics } = this.#parts;
    const envelope = address && jobEnvelope(address);
    const topic = topics.originOfJobs(channel);
    return sender.send(
      { operation: "submit", destination: channel, message, envelope, topic },
      queues.sender(channel, address?.once),
    );
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
    this.#parts.lifecycle.refuseIfClosed();
    checkQueue(channel);
    if (typeof handler !== "function") {
      throw new TypeError("consume(channel, handler) needs a function that handles each message.");
    }
    return this.#parts.lifecycle.run(() =>
      this.#parts.queues.consume(channel, handler as JobHandler<Message>, options),
    );
  }

  /**
   * Deletes the messages of a named channel, and returns their number. Aborts the signals of running handlers,
   * whose messages are not retried. Consumers continue with later messages. `<name>.dead` stays.
   *
   * @throws as {@link send} does for a named channel.
   */
  async deleteQueue(channel: string): Promise<number> {
    checkQueue(channel);
    return this.#parts.lifecycle.run(() => this.#parts.queues.delete(channel));
  }

  /**
   * Returns the number of messages of a named channel, including those that are being processed.
   *
   * @throws as {@link send} does for a named channel.
   */
  async queueSize(channel: string): Promise<number> {
    checkQueue(channel);
    return this.#parts.lifecycle.run(() => this.#parts.queues.size(channel));
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
    const onEnter =
      onJoin && (() => onJoin(this.#parts.backend.history?.position?.(this.#parts.topics.group(group))));
    return this.#parts.lifecycle.run(
      () => this.#parts.registry.join(group, this.#parts.registry.require(channel), onEnter),
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
    this.#parts.lifecycle.refuseIfClosed();
    checkGroup(group);
    checkChannel(channel);
    return this.#parts.lifecycle.run(async () => {
      const member = this.#parts.registry.member(channel);
      if (member !== undefined) return this.#parts.registry.leave(group, member);
      if (this.#parts.registry.owns(channel)) return;
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
    this.#parts.lifecycle.refuseIfClosed();
    checkGroup(group);
    const envelope = groupEnvelope(options);
    const topic = this.#parts.topics.group(group);
    return this.#parts.publish({ operation: "groupSend", destination: group, message, envelope, topic });
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
    this.#parts.lifecycle.refuseIfClosed();
    checkGroup(group);
    const { backend, decoder, lifecycle, topics } = this.#parts;
    return lifecycle.run(historyReader(group, topics.group(group), options, backend, decoder));
  }

  /** @internal Keeps histories from now on. A runtime calls this method for a consumer that needs `history`. */
  keepHistory(): void {
    this.#parts.backend.history?.keep?.();
  }

  /** @internal A secret of 32 bytes that all nodes of the layer share. Undefined if the layer keeps none. */
  secret(): Promise<Uint8Array | undefined> {
    return this.#parts.secret();
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
    return this.#parts.lifecycle.run(() => this.#parts.registry.flush());
  }

  /**
   * Closes this node: delivery to its channels stops at once, and later calls reject. Waits for running
   * handlers of named channels, then frees connections and timers. May be called repeatedly.
   *
   * Messages sent before this call are still sent, even if the layer, or a connection of it, is still opening
   * or reconnecting. Each of these waits ends after `connectTimeoutMs`, and the wait for replies after a
   * second. Then the sends reject with `LayerClosedError`, whose `cause` is the reason, and count as
   * `unavailable`. Other pending calls reject as well.
   */
  async close(): Promise<void> {
    this.#parts.registry.clear();
    this.#parts.receiver.close();
    return this.#parts.lifecycle.close();
  }
}
