import type { BackendListener, Capabilities, Health, HistoryBackend } from "../../backend.ts";
import type { Clock } from "../../clock.ts";
import { asError, LayerUnavailableError } from "../../errors.ts";
import { type HistoryLimitOptions, HistoryLimits } from "../../history-limits.ts";
import type { Position } from "../../message.ts";
import { Topics } from "../../wire/topics.ts";
import { withTimeout } from "../../with-timeout.ts";
import { asBuffer } from "../connection/as-buffer.ts";
import { type ByShard, type RedisBackend, serverOf } from "../connection/backend-factory.ts";
import { checkMs } from "../connection/check-ms.ts";
import type { PubSubOptions } from "../connection/pubsub-settings.ts";
import type { RedisTarget } from "../connection/server-address.ts";
import type { RedisServer } from "../connection/server-options.ts";
import { RedisQueues } from "../jobs/redis-queues.ts";
import { PubSubConnection, type PubSubSettings } from "../pubsub/pubsub-connection.ts";
import { StreamFollower } from "./stream-follower.ts";
import { parsePublication, streamNames, topicOf } from "./stream-format.ts";
import { StreamPublisher } from "./stream-publisher.ts";
import { StreamReader } from "./stream-reader.ts";
import { defineStreamScripts, publishEntries } from "./stream-scripts.ts";

/**
 * How streams are kept and watched. As many messages as a group's `capacity` may be missed without a gap. Each message
 * is kept by the limits of the node that sent it, so the nodes of one layer should agree.
 */
export interface StreamOptions extends HistoryLimitOptions {
  /**
   * How often each node looks whether a group's last message was lost on the way, which nothing else would show, in
   * milliseconds; a quarter more or less, at random.
   * @default 30000
   */
  readonly tailCheckMs?: number;
}

/** What can be told to {@link RedisStreamsBackend}. */
export type RedisStreamsBackendOptions = RedisTarget & SharedOptions;

type SharedOptions = PubSubOptions &
  StreamOptions & {
    /** The layer's prefix, by which topics of groups are told from those of nodes. */
    readonly prefix: string;
  };

export const streamsCapabilities: Capabilities = {
  delivery: "once-or-gap",
  crossProcess: true,
  history: true,
  workers: true,
};

/** What is there while the backend is open. */
interface Connected {
  readonly pubsub: PubSubConnection;
  readonly publisher: StreamPublisher;
  readonly reader: StreamReader;
}

/**
 * Moves payloads of groups through a stream each, whose entries are published as they are added; and those of nodes by
 * plain `PUBLISH`.
 *
 * A publication that did not arrive leaves a hole in the offsets, which is filled from the stream before what comes
 * after; or it is found when the stream's head is looked at, after each time the connection was made and every
 * `tailCheckMs`. What the stream holds no more is a gap, and so is it when another server answers than before.
 */
export class RedisStreamsBackend implements RedisBackend {
  readonly capabilities = streamsCapabilities;
  readonly queues: RedisQueues;
  readonly history: HistoryBackend = {
    read: (topic, query) => this.#connected().reader.history(topic, query),
  };
  readonly #server: RedisServer;
  readonly #settings: PubSubSettings;
  readonly #clock: Clock;
  readonly #topics: Topics;
  readonly #limits: HistoryLimits;
  readonly #tailCheckMs: number;
  /** By channel, since that is what comes with a publication. */
  readonly #followers = new Map<string, StreamFollower>();
  #connection: Connected | undefined;
  #listener: BackendListener | undefined;
  #timer: unknown;
  #isClosed = false;

  /**
   * @throws {TypeError} unless it is said in one way where the server is.
   * @throws {InvalidNameError} if the prefix breaks its rule.
   * @throws {InvalidOptionError} for a number that makes no sense.
   */
  constructor(options: RedisStreamsBackendOptions | (SharedOptions & ByShard)) {
    const { prefix, tailCheckMs = 30_000 } = options;
    const { server, settings } = serverOf(options);
    this.#server = server;
    this.#settings = settings;
    this.#clock = this.#settings.clock;
    this.queues = new RedisQueues(this.#server, (error) => this.#listener?.error(error), this.#clock);
    this.#topics = new Topics(prefix);
    this.#limits = new HistoryLimits(options);
    checkMs("tailCheckMs", tailCheckMs);
    this.#tailCheckMs = tailCheckMs;
  }

  get address(): string {
    return this.#server.address;
  }

  get health(): Health {
    const { pubsub } = this.#connection ?? {};
    if (pubsub === undefined) return { ok: false, reason: "The backend has not been opened." };
    return pubsub.health.ok ? this.queues.health : pubsub.health;
  }

  async open(listener: BackendListener): Promise<void> {
    this.#listener = listener;
    const { commands } = this.#settings;
    const publisher = new StreamPublisher((topic, payloads) => {
      const limit = this.#limits.of(this.#topics.groupOf(topic) ?? topic);
      const publish = { names: streamNames(topic), payloads, limit, command: commands.name };
      return pubsub.publisher.run((redis) => publishEntries(redis, publish));
    });
    const pubsub = new PubSubConnection(
      this.#server,
      this.#settings,
      {
        payload: (channel, payload) => this.#arrived(channel, payload),
        gap: (channel) => this.#resumed(channel),
        error: (error) => listener.error(error),
      },
      (plain) => (topic, payload) =>
        this.#topics.isGroup(topic) ? publisher.publish(topic, payload) : plain(topic, payload),
    );
    defineStreamScripts(pubsub.publisher.redis);
    const reader = new StreamReader(pubsub.publisher, commands);
    // It may lead to another server now, also where the connection that hears of publications did not break.
    pubsub.publisher.redis.on("ready", () => void this.#checkAll());
    this.#connection = { pubsub, publisher, reader };
    await pubsub.open();
    this.#scheduleCheck();
  }

  async publish(topic: string, payload: Uint8Array): Promise<void> {
    return this.#connected().pubsub.publish(topic, payload);
  }

  async subscribe(topic: string): Promise<void> {
    const { pubsub } = this.#connected();
    if (!this.#topics.isGroup(topic)) return pubsub.subscriptions.subscribe(topic);
    const { channel } = streamNames(topic);
    const follower = this.#follow(topic);
    this.#followers.set(channel, follower);
    // Both at once, over a connection each. Where the head is older than the subscription, what was published in between
    // shows as a hole, and is read; where it is younger, what is told first is before it.
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

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#clock.clearTimeout(this.#timer);
    for (const follower of this.#followers.values()) follower.stop();
    this.#followers.clear();
    this.#connection?.publisher.flush();
    await this.queues.close();
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

  /** Where the stream ends has to be known before anybody is told that he is in, or the first holes would not show. */
  #start(follower: StreamFollower): Promise<void> {
    const { address, connectTimeoutMs } = this.#server;
    const late = () =>
      new LayerUnavailableError(`Redis at ${address} did not answer within ${connectTimeoutMs} ms.`);
    return withTimeout(follower.start(), connectTimeoutMs, this.#clock, late);
  }

  #arrived(channel: string, payload: Uint8Array): void {
    const follower = this.#followers.get(channel);
    const entries = follower && parsePublication(asBuffer(payload));
    if (follower !== undefined && entries !== undefined)
      for (const entry of entries) follower.published(entry);
    // What no node of this layer has published has no place in the history.
    else this.#listener?.payload(topicOf(channel), payload);
  }

  #resumed(channel: string): void {
    const follower = this.#followers.get(channel);
    if (follower === undefined) this.#listener?.gap(channel);
    else follower.resume();
  }

  #scheduleCheck(): void {
    if (this.#isClosed) return;
    const ms = this.#tailCheckMs * (0.75 + Math.random() / 2);
    this.#timer = this.#clock.setTimeout(() => void this.#check(), ms);
  }

  async #check(): Promise<void> {
    await this.#checkAll();
    this.#scheduleCheck();
  }

  /** One that fails is made again after the outage, or at the next interval. */
  async #checkAll(): Promise<void> {
    await Promise.allSettled([...this.#followers.values()].map((follower) => follower.check()));
  }
}
