import type { BackendListener, Capabilities, Clock, Health, HistoryBackend, Position } from "../contract.ts";
import { LayerUnavailableError } from "../errors.ts";
import { Topics } from "../topics.ts";
import { type ByShard, type RedisBackend, serverOf } from "./backend-kind.ts";
import { within } from "./deadline.ts";
import { asBuffer, PubSubConnection, type PubSubSettings } from "./pubsub-connection.ts";
import type { PubSubOptions } from "./pubsub-settings.ts";
import { RedisQueues } from "./redis-queues.ts";
import type { RedisServer } from "./redis-server.ts";
import type { RedisPlace } from "./servers.ts";
import { parsePublication, streamNames, topicOf } from "./stream-entry.ts";
import { StreamFollower } from "./stream-follower.ts";
import { StreamReader } from "./stream-reader.ts";
import { defineStreamScripts } from "./stream-scripts.ts";

/** How much a group's history keeps, and for how long. Nodes of one layer should agree. */
export interface StreamOptions {
  /** How many messages the history of a group keeps: as many may be missed without a gap. @default 100 */
  readonly capacity?: number;
  /** How long a history stays after the last message to its group, in milliseconds. @default 60000 */
  readonly expiryMs?: number;
  /**
   * How often each node looks whether a group's last message was lost on the way, which nothing else would show, in
   * milliseconds; a quarter more or less, at random.
   * @default 30000
   */
  readonly tailCheckMs?: number;
}

/** What can be told to {@link RedisStreamsBackend}. */
export type RedisStreamsBackendOptions = RedisPlace & SharedOptions;

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

const defaults = { capacity: 100, expiryMs: 60_000, tailCheckMs: 30_000 } as const satisfies StreamOptions;

/** How much longer than its stream a head stays: an idle group that is heard of again within a week begins no new epoch. */
const headOutlivesMs = 7 * 24 * 60 * 60 * 1_000;

/** What is there while the backend is open. */
interface Connected {
  readonly pubsub: PubSubConnection;
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
  readonly #options: Required<StreamOptions>;
  /** By channel, since that is what comes with a publication. */
  readonly #followers = new Map<string, StreamFollower>();
  #connection: Connected | undefined;
  #listener: BackendListener | undefined;
  #timer: unknown;
  #isClosed = false;

  /**
   * @throws {TypeError} unless it is said in one way where the server is.
   * @throws {InvalidNameError} if the prefix breaks its rule.
   * @throws {RangeError} if a number is not a positive integer.
   */
  constructor(options: RedisStreamsBackendOptions | (SharedOptions & ByShard)) {
    const { prefix, capacity, expiryMs, tailCheckMs } = options;
    const { server, settings } = serverOf(options);
    this.#server = server;
    this.#settings = settings;
    this.#clock = this.#settings.clock;
    this.queues = new RedisQueues(this.#server, (error) => this.#listener?.error(error), this.#clock);
    this.#topics = new Topics(prefix);
    this.#options = {
      capacity: positive("capacity", capacity ?? defaults.capacity),
      expiryMs: positive("expiryMs", expiryMs ?? defaults.expiryMs),
      tailCheckMs: positive("tailCheckMs", tailCheckMs ?? defaults.tailCheckMs),
    };
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
    const pubsub = new PubSubConnection(this.#server, this.#settings, {
      payload: (channel, payload) => this.#arrived(channel, payload),
      gap: (channel) => this.#resumed(channel),
      error: (error) => listener.error(error),
    });
    const { capacity, expiryMs } = this.#options;
    const { commands } = this.#settings;
    defineStreamScripts(pubsub.publisher.redis, {
      capacity,
      expiryMs,
      headExpiryMs: expiryMs + headOutlivesMs,
      publish: commands.name,
    });
    const reader = new StreamReader(pubsub.publisher, commands);
    // It may lead to another server now, also where the connection that hears of publications did not break.
    pubsub.publisher.redis.on("ready", () => void this.#checkAll());
    this.#connection = { pubsub, reader };
    await pubsub.open();
    this.#scheduleCheck();
  }

  async publish(topic: string, payload: Uint8Array): Promise<void> {
    const { pubsub } = this.#connected();
    if (!this.#topics.isGroup(topic)) return pubsub.publish(topic, payload);
    const { stream, head, channel } = streamNames(topic);
    const bytes = asBuffer(payload);
    await pubsub.publisher.run((redis) => redis.greenroomPublish(stream, head, channel, bytes));
  }

  async subscribe(topic: string): Promise<void> {
    const { pubsub } = this.#connected();
    if (!this.#topics.isGroup(topic)) return pubsub.subscriptions.subscribe(topic);
    const { channel } = streamNames(topic);
    const follower = this.#follow(topic);
    this.#followers.set(channel, follower);
    try {
      await pubsub.subscriptions.subscribe(channel);
      await this.#start(follower);
    } catch (error) {
      await this.unsubscribe(topic);
      throw error;
    }
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
      (error) => this.#listener?.error(error instanceof Error ? error : new Error(String(error))),
    );
  }

  /** Where the stream ends has to be known before anybody is told that he is in, or the first holes would not show. */
  #start(follower: StreamFollower): Promise<void> {
    const { address, connectTimeoutMs } = this.#server;
    const late = () =>
      new LayerUnavailableError(`Redis at ${address} did not answer within ${connectTimeoutMs} ms.`);
    return within(follower.start(), connectTimeoutMs, this.#clock, late);
  }

  #arrived(channel: string, payload: Uint8Array): void {
    const follower = this.#followers.get(channel);
    const entry = follower && parsePublication(asBuffer(payload));
    if (follower !== undefined && entry !== undefined) follower.published(entry);
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
    const ms = this.#options.tailCheckMs * (0.75 + Math.random() / 2);
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

function positive(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new RangeError(`${name} is a positive integer, not ${value}.`);
}
