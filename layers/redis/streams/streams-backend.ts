import type { BackendListener, Capabilities, Health, HistoryBackend } from "../../backend.ts";
import { checkInteger, maxJitteredDelayMs } from "../../check-integer.ts";
import type { Clock } from "../../clock.ts";
import { asError, LayerUnavailableError } from "../../errors.ts";
import { type HistoryLimitOptions, HistoryLimits } from "../../history-limits.ts";
import { jitter } from "../../jitter.ts";
import type { ByPattern } from "../../limits-by-name.ts";
import type { Position } from "../../message.ts";
import { Topics } from "../../wire/topics.ts";
import { withTimeout } from "../../with-timeout.ts";
import { type ByShard, type RedisBackend, serverOf } from "../connection/backend-factory.ts";
import type { PubSubOptions, PubSubSettings } from "../connection/pubsub-settings.ts";
import type { RedisServerTarget } from "../connection/server-address.ts";
import type { RedisServer } from "../connection/server-options.ts";
import { defaultQueueIdleMs } from "../jobs/queue-lifetime.ts";
import { RedisQueues } from "../jobs/redis-queues.ts";
import { PubSubConnection } from "../pubsub/pubsub-connection.ts";
import { RedisState } from "../state/redis-state.ts";
import { HeadExpiry } from "./head-expiry.ts";
import { serverAdvice } from "./server-advice.ts";
import { StreamFollower } from "./stream-follower.ts";
import { parsePublication, secretKey, streamNames, topicOf } from "./stream-format.ts";
import { StreamPublisher } from "./stream-publisher.ts";
import { StreamReader } from "./stream-reader.ts";
import { defineStreamScripts, publishEntries } from "./stream-scripts.ts";

/**
 * Limits of the histories. A node can recover up to `capacity` missed messages of a group without a gap. The
 * sending node's limits apply to each message, so all nodes of a layer should have the same limits.
 */
export interface StreamOptions extends HistoryLimitOptions {
  /**
   * Interval, in milliseconds, at which each node checks whether the last message of a group was lost in
   * transit. Each pause is random: 75 % to 125 % of the interval.
   * @default 30000
   */
  readonly tailCheckMs?: number;
  /**
   * How long Redis remembers the position of a silent group after its history has expired, in milliseconds: one
   * number for all groups, or numbers by group name. Afterwards, a new epoch of the history begins, and a client
   * that continues from an older position gets `complete: false`. At least four times `tailCheckMs`: a node with
   * members of the group renews the position at these checks, so members never lose it.
   * @default 604_800_000 (7 days)
   */
  readonly headExpiryMs?: ByPattern;
  /**
   * How long Redis keeps an empty queue without workers, in milliseconds: at least 60,000. A queue with messages,
   * such as dead letters, is kept for ever. All workers of a layer should have the same value.
   * @default 604_800_000 (7 days)
   */
  readonly queueIdleMs?: number;
}

const minQueueIdleMs = 60_000;

/** Options of a {@link RedisStreamsBackend}. */
export type RedisStreamsBackendOptions = RedisServerTarget & SharedOptions;

type SharedOptions = PubSubOptions &
  StreamOptions & {
    /** The layer's prefix, which distinguishes topics of groups from topics of nodes. */
    readonly prefix: string;
  };

export const streamsCapabilities: Capabilities = {
  delivery: "once-or-gap",
  crossProcess: true,
  history: true,
  workers: true,
  state: true,
};

interface Connected {
  readonly pubsub: PubSubConnection;
  readonly publisher: StreamPublisher;
  readonly reader: StreamReader;
}

/**
 * Sends payloads for groups through one stream per group, and payloads for nodes by plain `PUBLISH`.
 *
 * A lost publication leaves a hole in the offsets. The missing entries are read from the stream before later
 * entries are delivered. But the loss of the last publication leaves no hole. Therefore the backend checks
 * the stream's head after each reconnect and every `tailCheckMs`. A gap is reported for entries that the
 * stream no longer contains, and after a change of the server.
 */
export class RedisStreamsBackend implements RedisBackend {
  /** The same for each backend of this class. */
  readonly capabilities = streamsCapabilities;
  readonly queues: RedisQueues;
  /** The store of named actors. */
  readonly state: RedisState;
  readonly history: HistoryBackend = {
    read: (topic, query) => {
      const { pubsub, publisher, reader } = this.#connected();
      return pubsub.queue.run(0, () => {
        // The history contains the earlier messages of this node, even if their batch is not sent yet.
        publisher.flush(topic);
        return reader.history(topic, query);
      });
    },
    position: (topic) => this.#followers.get(streamNames(topic).channel)?.position,
    secret: (candidate) => {
      const { pubsub, reader } = this.#connected();
      return pubsub.queue.run(candidate.length, () => reader.secret(this.#secretKey, candidate));
    },
  };
  readonly #server: RedisServer;
  readonly #settings: PubSubSettings;
  readonly #clock: Clock;
  readonly #topics: Topics;
  readonly #secretKey: string;
  readonly #limits: HistoryLimits;
  readonly #headExpiry: HeadExpiry;
  readonly #tailCheckMs: number;
  readonly #followers = new Map<string, StreamFollower>();
  #connection: Connected | undefined;
  #listener: BackendListener | undefined;
  #timer: unknown;
  #isClosed = false;

  /**
   * @throws {TypeError} unless exactly one target is given.
   * @throws {InvalidNameError} if the prefix is not a valid name.
   * @throws {InvalidOptionError} for a number out of range.
   */
  constructor(options: RedisStreamsBackendOptions | (SharedOptions & ByShard)) {
    const { prefix, tailCheckMs = 30_000, headExpiryMs, queueIdleMs = defaultQueueIdleMs } = options;
    const { server, settings } = serverOf(options);
    this.#server = server;
    this.#settings = settings;
    this.#clock = settings.clock;
    checkInteger("queueIdleMs", queueIdleMs, { min: minQueueIdleMs });
    const onError = (error: Error) => this.#listener?.error(error);
    const { clock, commandLimits } = settings;
    this.queues = new RedisQueues(server, onError, clock, { queueIdleMs, limits: commandLimits });
    this.state = new RedisState(prefix, server, settings, onError);
    this.#topics = new Topics(prefix);
    this.#secretKey = secretKey(prefix);
    this.#limits = new HistoryLimits(options);
    this.#tailCheckMs = checkInteger("tailCheckMs", tailCheckMs, { max: maxJitteredDelayMs });
    this.#headExpiry = new HeadExpiry(headExpiryMs, this.#tailCheckMs);
  }

  get address(): string {
    return this.#server.address;
  }

  /** Unhealthy while a connection is down, or the server refuses commands. */
  get health(): Health {
    const { pubsub } = this.#connection ?? {};
    if (pubsub === undefined) return { ok: false, reason: "The backend has not been opened." };
    const health = [pubsub.health, this.queues.health, this.state.health];
    return health.find(({ ok }) => !ok) ?? { ok: true };
  }

  async open(listener: BackendListener): Promise<void> {
    this.#listener = listener;
    const { commands } = this.#settings;
    const publisher: StreamPublisher = new StreamPublisher((topic, payloads) => {
      const group = this.#topics.groupOf(topic) ?? topic;
      const limit = { ...this.#limits.of(group), headExpiryMs: this.#headExpiry.of(group) };
      const publication = { names: streamNames(topic), payloads, limit, command: commands.name };
      const label = { command: "EVAL", kind: "publish", keys: [publication.names.stream], addsData: true };
      return pubsub.publisher.run((redis) => publishEntries(redis, publication), label);
    });
    const pubsub = new PubSubConnection(
      "streams",
      this.#server,
      this.#settings,
      {
        payload: (channel, payload) => this.#onPayload(channel, payload),
        gap: (channel) => this.#onGap(channel),
        error: (error) => listener.error(error),
        room: () => listener.room?.(),
      },
      {
        via: (plain) => (topic, payload) =>
          this.#topics.isGroup(topic) ? publisher.publish(topic, payload) : plain(topic, payload),
        prepare: defineStreamScripts,
        // The server may have changed, even if the subscriber's connection did not break.
        up: () => void this.#checkAll(),
      },
    );
    const reader = new StreamReader(pubsub.publisher, commands, this.#topics, this.#headExpiry);
    this.#connection = { pubsub, publisher, reader };
    await pubsub.open();
    const { facts } = pubsub.publisher;
    for (const error of facts ? serverAdvice(this.address, facts) : []) listener.error(error);
    this.#scheduleCheck();
  }

  async publish(topic: string, payload: Uint8Array): Promise<void> {
    await this.#connected().pubsub.publish(topic, payload);
  }

  async subscribe(topic: string): Promise<void> {
    const { pubsub } = this.#connected();
    if (!this.#topics.isGroup(topic)) return pubsub.subscriptions.subscribe(topic);
    const { channel } = streamNames(topic);
    const follower = this.#follow(topic);
    this.#followers.set(channel, follower);
    // Sends both commands together. If the server reads the head first, entries that are added before the
    // subscription leave a hole, and are read from the stream. If the server subscribes first, publications
    // up to the head are ignored.
    const outcomes = await Promise.allSettled([
      pubsub.subscriptions.subscribe(channel),
      this.#start(follower),
    ]);
    const failed = outcomes.find((outcome) => outcome.status === "rejected");
    if (failed === undefined) return;
    await this.unsubscribe(topic);
    throw failed.reason;
  }

  async unsubscribe(topic: string): Promise<void> {
    const { subscriptions } = this.#connected().pubsub;
    if (!this.#topics.isGroup(topic)) return subscriptions.unsubscribe(topic);
    const { channel } = streamNames(topic);
    this.#followers.get(channel)?.stop();
    this.#followers.delete(channel);
    return subscriptions.unsubscribe(channel);
  }

  abandon(): void {
    this.#connection?.pubsub.queue.abandon();
    this.queues.abandon();
    this.state.abandon();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#clock.clearTimeout(this.#timer);
    for (const follower of this.#followers.values()) follower.stop();
    this.#followers.clear();
    this.#connection?.publisher.flush();
    await Promise.all([this.queues.close(), this.state.close()]);
    await this.#connection?.pubsub.close();
  }

  #connected(): Connected {
    if (this.#connection === undefined) throw new LayerUnavailableError("The backend has not been opened.");
    return this.#connection;
  }

  #follow(topic: string): StreamFollower {
    return new StreamFollower(
      topic,
      this.#connected().reader,
      {
        payload: (payload: Uint8Array, position: Position) =>
          this.#listener?.payload(topic, payload, position),
        gap: (range) => this.#listener?.gap(topic, range),
      },
      this.#clock,
      (error) => this.#listener?.error(asError(error)),
    );
  }

  /** A subscription waits for the head, because only the head reveals a hole before the first publication. */
  #start(follower: StreamFollower): Promise<void> {
    const { address, connectTimeoutMs } = this.#server;
    const late = () =>
      new LayerUnavailableError(`Redis at ${address} did not answer within ${connectTimeoutMs} ms.`);
    return withTimeout(follower.start(), connectTimeoutMs, this.#clock, late);
  }

  #onPayload(channel: string, payload: Uint8Array): void {
    const follower = this.#followers.get(channel);
    const { buffer, byteOffset, byteLength } = payload;
    const entries = follower && parsePublication(Buffer.from(buffer, byteOffset, byteLength));
    if (follower !== undefined && entries !== undefined)
      for (const entry of entries) follower.published(entry);
    // The payload was published by another program, so it has no position in the history.
    else this.#listener?.payload(topicOf(channel), payload);
  }

  #onGap(channel: string): void {
    const follower = this.#followers.get(channel);
    if (follower === undefined) this.#listener?.gap(channel);
    else follower.resume();
  }

  #scheduleCheck(): void {
    if (this.#isClosed) return;
    const check = () => void this.#checkAll().then(() => this.#scheduleCheck());
    this.#timer = this.#clock.setTimeout(check, jitter(this.#tailCheckMs, 0.75, 1.25));
  }

  /** A failed check is repeated after the outage, or at the next interval. */
  async #checkAll(): Promise<void> {
    await Promise.allSettled([...this.#followers.values()].map((follower) => follower.check()));
  }
}
