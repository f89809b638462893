import { randomBytes } from "node:crypto";
import type { Backend, Capabilities, Consumption, Health } from "./backend.ts";
import { type LayerCounters, LayerMetrics } from "./counters.ts";
import { LocalChannelRegistry, type LocalChannels } from "./delivery/channel-registry.ts";
import { Receiver } from "./delivery/receiver.ts";
import { createReporter, type ErrorListener } from "./error-reporter.ts";
import { QueueFullError, UnknownChannelError, UnsupportedError } from "./errors.ts";
import { checkHistoryOptions, decodeHistory, type GroupHistory, type HistoryOptions } from "./history.ts";
import { type ConsumeOptions, type JobHandler, JobQueues } from "./jobs/job-queues.ts";
import { Lifecycle } from "./lifecycle.ts";
import type { AnyMessages, Inbox, Message, MessageOf } from "./message.ts";
import { checkChannel, checkGroup, checkQueue } from "./names.ts";
import type { ChannelLayerOptions, GroupSendOptions, JobAddress } from "./options.ts";
import { type Envelope, encode } from "./wire/codec.ts";
import { createEncryption, type Encryption } from "./wire/encryption.ts";
import { PayloadDecoder } from "./wire/payload-decoder.ts";
import { Topics } from "./wire/topics.ts";

export type { LocalChannels } from "./delivery/channel-registry.ts";

/**
 * One node of a channel layer: it carries messages between channels, in groups and directly, to this node and to every
 * other one that its backend reaches. All layers are this class over a {@link Backend}, and promise the same:
 *
 * - **Names** are 1 to 99 ASCII letters, digits, `-`, `_` and `.`; a channel's may hold one `!`.
 * - **Messages** are plain objects with a `type`, at most 1 MiB encoded. They hold null, booleans, numbers, strings,
 *   bytes, arrays and plain objects, up to 100 levels deep; `undefined` is left out, an integer beyond 2^53 arrives as
 *   a bigint. A message is encoded when it is sent, so that later changes to it do not matter, and arrives
 *   deep-frozen (but for bytes): all members on a node share one object.
 * - **Order** is kept from one sender to one member of a group, per group; and from one sender to one channel, for
 *   direct sends. Between different paths nothing is promised.
 * - **Delivery** in groups and to channels of {@link newChannel} is at most once, never before `send` or `groupSend` has
 *   returned, and to the sender too if it is a member. Where {@link capabilities} say `once-or-gap`, what a group was
 *   sent during an outage comes after it. Once `groupDiscard` is called, nothing of the group is delivered any more.
 * - **A large group does not block its node**: what takes longer than about 5 ms to put into inboxes goes on in the next
 *   turns of the event loop. Who joins meanwhile gets what comes in from then on; who leaves gets nothing more.
 * - **Loss is never silent**: what is dropped is counted under a reason, and when a group may have lost something its
 *   members get a gap. One inbox that throws takes nothing from the others.
 * - **Types** that begin with `xstate.` are refused where they are sent and dropped where they arrive.
 * - **After {@link close}** every method rejects with {@link LayerClosedError}.
 *
 * A layer opens when it is first used; {@link ready} opens it earlier and says whether that worked. Until it is open,
 * calls wait, and then take effect in the order they were made.
 *
 * @typeParam M the messages that may be sent, as `{ type: payload }`.
 */
export class ChannelLayer<M = AnyMessages> {
  /** This node's id, unique among the nodes of the layer. */
  readonly node = randomBytes(10).toString("hex");
  /** See {@link ChannelLayerOptions.onError}. May be set later; a runtime sets its own where there is none. */
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

  /**
   * @throws {InvalidNameError} if the prefix breaks its rule.
   * @throws {InvalidOptionError} for an invalid capacity or expiry, or if `encryption` has no keys, or an empty one.
   */
  constructor(backend: Backend, options: ChannelLayerOptions) {
    this.onError = options.onError;
    const report = createReporter(() => this.onError);
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
    this.#receiver = new Receiver(topics.node(this.node), context);
    this.#queues = new JobQueues(backend.queues, topics, options, context);
    this.#lifecycle = new Lifecycle({
      open: () => backend.open(this.#receiver),
      close: async () => {
        await this.#queues.close();
        await backend.close();
      },
    });
  }

  /** What this layer can do beyond the minimum. */
  get capabilities(): Capabilities {
    return this.#backend.capabilities;
  }

  /** Whether messages can be sent and received at this moment. */
  get health(): Health {
    const { state } = this.#lifecycle;
    if (state === "open") return this.#backend.health;
    return { ok: false, reason: state === "closed" ? "The layer is closed." : "The layer is not open yet." };
  }

  /**
   * How many messages to groups and channels are on their way, where that can be known: on memory layers, where those of
   * all nodes of the bus count. For specs, which wait for none.
   */
  get inFlight(): number | undefined {
    return this.#backend.inFlight;
  }

  /** @internal The channels of this node, for the runtime that this layer belongs to. */
  get local(): LocalChannels {
    return this.#registry;
  }

  /** What this node has carried and dropped since it was made. The object given is not updated any more. */
  counters(): LayerCounters {
    return this.#metrics.snapshot();
  }

  /**
   * Opens the layer, once, however often it is called.
   *
   * @throws {LayerUnavailableError} naming the address that does not answer. The next call tries again.
   */
  ready(): Promise<void> {
    return this.#lifecycle.ready();
  }

  /**
   * Makes a channel whose messages go to `inbox`. The name says which node it is on, so that any node can
   * {@link send} to it. It lives until {@link deleteChannel}.
   */
  newChannel(inbox: Inbox): Promise<string> {
    return this.#lifecycle.run(() => {
      const add = () => this.#registry.add(inbox).channel;
      return this.#registry.listen()?.then(add) ?? add();
    });
  }

  /** Forgets a channel and takes it out of all its groups, at once. A channel that is not there is fine. */
  deleteChannel(channel: string): Promise<void> {
    return this.#lifecycle.run(
      () => this.#registry.remove(channel),
      () => checkChannel(channel),
    );
  }

  /**
   * Delivers `message` to one channel, on whatever node it is, at most once. One that is no longer there is fine here,
   * and counted as `no-channel` on its node.
   *
   * A name without `!` is that of a channel for workers: the message waits in its queue until one of those who
   * {@link consume} it is done with it. One sender's messages stay in order.
   *
   * @param address for a named channel: who hears what becomes of the message. Other channels' messages do not carry it.
   * @throws {InvalidNameError}
   * @throws {InvalidMessageError}
   * @throws {UnsupportedError} for a named channel, where the layer has no queues.
   * @throws {QueueFullError} for a named channel that holds {@link ChannelLayerOptions.queueCapacity} messages.
   * @throws {LayerUnavailableError} if it is not known that the message has arrived. A message for a named channel may
   *   be in the queue nonetheless, if the connection broke before the answer.
   */
  async send(channel: string, message: MessageOf<M>, address?: JobAddress): Promise<void> {
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
   * Handles the messages of a named channel, here and wherever else it is consumed: each goes to one handler at a
   * time, at least once, and is gone when that one's promise has resolved.
   *
   * A handler that throws or rejects gets the message again after a pause, and after `maxDeliveries` it moves to the
   * channel `<name>.dead`, which can be consumed as any other and has no capacity; so does what is no message. If a
   * process dies or does not answer for `claimAfterMs`, its messages are given to others: a message can come twice,
   * and `delivery.attempt` says so. Where `concurrency` is 1 and nobody else consumes, messages are handled in order.
   *
   * {@link close} waits for the handlers that run, and refuses what they then ask of this layer: whoever lets handlers
   * send should close the consumption first.
   *
   * @typeParam T the messages of this channel, where they are not all that the layer may carry.
   * @throws {InvalidNameError} for a name with a `!`, or of more than 94 characters before `.dead`.
   * @throws {TypeError} without a function to handle messages.
   * @throws {UnsupportedError} where the layer has no queues.
   * @throws {InvalidOptionError} for a number in `options` that is out of range.
   * @throws {LayerUnavailableError} if the queue cannot be reached now. Later outages end by themselves.
   *
   * @example
   * const jobs = await layer.consume("jobs", async (message, { signal }) => resize(message, signal));
   * await jobs.close(); // once the handler that runs is done
   */
  async consume<T = MessageOf<M>>(
    channel: string,
    handler: JobHandler<T>,
    options: ConsumeOptions = {},
  ): Promise<Consumption> {
    this.#lifecycle.refuseIfClosed();
    checkQueue(channel);
    if (typeof handler !== "function") {
      throw new TypeError("consume(channel, handler) needs a function that handles each message.");
    }
    return this.#lifecycle.run(() => this.#queues.consume(channel, handler as JobHandler<Message>, options));
  }

  /**
   * Puts a channel of this node into `group`. Once it resolves, the channel gets everything sent to the group from
   * then on, by any node. A channel that is in the group already stays in it once. If the channel leaves while it is
   * still on its way in, nothing has happened.
   *
   * @throws {UnknownChannelError} for a channel that this node has not made or has deleted.
   * @throws {LayerUnavailableError} if the group cannot be subscribed to; the channel is then not in it.
   */
  groupAdd(group: string, channel: string): Promise<void> {
    return this.#lifecycle.run(
      () => this.#registry.join(group, this.#registry.require(channel)),
      () => {
        checkGroup(group);
        checkChannel(channel);
      },
    );
  }

  /**
   * Takes a channel of this node out of `group`: nothing sent to the group is delivered to it after this call. One
   * that is not in the group, or has been deleted, is fine.
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
      throw new UnknownChannelError(`"${channel}" is no channel of this node: another one must discard it.`);
    });
  }

  /**
   * Delivers `message` to every channel in `group`, on every node, at most once.
   *
   * One sender's messages to a group reach each member in the order sent. An empty group is fine.
   *
   * @throws {InvalidNameError}
   * @throws {InvalidMessageError}
   * @throws {LayerUnavailableError} if it is not known that the message was taken: it may have been, if the connection
   *   broke, or the server fell silent, before it could say so. Who sends again may send twice.
   */
  async groupSend(group: string, message: MessageOf<M>, options?: GroupSendOptions): Promise<void> {
    this.#lifecycle.refuseIfClosed();
    checkGroup(group);
    const except = options?.except;
    if (except !== undefined) checkChannel(except);
    const envelope = except === undefined ? undefined : { except };
    return this.#publish(this.#topics.group(group), message, envelope);
  }

  /**
   * Reads what was sent to `group`, for one who comes late, or back: the newest `limit` messages after `since`.
   *
   * Whoever is a member compares the offsets of entries and deliveries: a message may be in both. What was sent with
   * `except` is in it for everybody. Entries that are no messages are left out and counted.
   *
   * @throws {InvalidNameError}
   * @throws {InvalidOptionError} if the limit is not a positive integer, or `since` not a position.
   * @throws {UnsupportedError} if the layer keeps no history.
   * @throws {LayerUnavailableError} if it cannot be read.
   */
  async history(group: string, options: HistoryOptions = {}): Promise<GroupHistory> {
    this.#lifecycle.refuseIfClosed();
    checkGroup(group);
    const query = checkHistoryOptions(options);
    const { history } = this.#backend;
    if (history === undefined) {
      throw new UnsupportedError("This layer keeps no history: RedisStreamsLayer and MemoryLayer do.");
    }
    const topic = this.#topics.group(group);
    const stored = await this.#lifecycle.run(() => history.read(topic, query));
    return decodeHistory(stored, group, topic, this.#decoder);
  }

  /**
   * Makes this node like new: from this call on, all channels it has made are deleted, and out of their groups, as by
   * {@link deleteChannel}. Resolves once nothing is subscribed for them any more.
   *
   * The layer can be used at once, also before this resolves: what is called after it is not touched. Names are not
   * given again, so that what is still on its way to an old channel is counted as `no-channel` and never reaches a new
   * one. Other nodes, counters, and what a server keeps are left as they are.
   */
  async flush(): Promise<void> {
    this.#lifecycle.refuseIfClosed();
    return this.#lifecycle.run(() => this.#registry.flush());
  }

  /**
   * Closes this node: nothing is delivered to it any more, connections and timers are freed, and what is pending
   * rejects. What was sent before still goes out, and handlers of named channels that run are waited for. May be
   * called at any time, and twice.
   */
  async close(): Promise<void> {
    this.#registry.clear();
    this.#receiver.close();
    return this.#lifecycle.close();
  }

  #publish(topic: string, message: MessageOf<M>, envelope?: Envelope): Promise<void> {
    return this.#transmit(message, envelope, (payload) => this.#backend.publish(topic, payload));
  }

  /** Hands `message`, encoded, to `transmit` once the layer is open, and counts what becomes of it. */
  #transmit(
    message: MessageOf<M>,
    envelope: Envelope | undefined,
    transmit: (payload: Uint8Array) => Promise<void>,
  ): Promise<void> {
    // Encoded now: the sender may change its message while the layer is still opening.
    const payload = this.#encryption.encrypt(encode(message, envelope));
    return this.#lifecycle.run(async () => {
      try {
        await transmit(payload);
      } catch (error) {
        this.#metrics.drop(error instanceof QueueFullError ? "queue-full" : "unavailable");
        throw error;
      }
      this.#metrics.published += 1;
    });
  }
}
