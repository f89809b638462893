import { randomBytes } from "node:crypto";
import type { Backend, BackendListener, Capabilities, Clock, Health } from "../contract.ts";
import { LayerClosedError, LayerUnavailableError } from "../errors.ts";
import { Link } from "./link.ts";
import { Probe } from "./probe.ts";
import {
  type PublishLimits,
  PublishQueue,
  type PublishQueueOptions,
  publishLimits,
} from "./publish-queue.ts";
import { type PubSubCommands, pubSub } from "./pubsub-commands.ts";
import type { RedisServer } from "./redis-server.ts";
import { type RedisConnectionOptions, type RedisPlace, redisPlace } from "./servers.ts";
import { Subscriptions } from "./subscriptions.ts";

/** What can be told to {@link RedisPubSubBackend}, besides where its server is. */
export interface PubSubOptions extends RedisConnectionOptions {
  /** The timers of deadlines, probes and what waits to be published. @default globalThis */
  readonly clock?: Clock;
  /**
   * How often the backend publishes something to itself, in milliseconds. If that does not come back within
   * `connectTimeoutMs`, the connection on which it receives is made anew.
   * @default 5000
   */
  readonly probeMs?: number;
  /** What the topic of the probe begins with, for servers that allow a client certain names only. @default "greenroom" */
  readonly probePrefix?: string;
  /** What waits to be published while the connection is down. */
  readonly publishQueue?: PublishQueueOptions;
}

/** What can be told to {@link RedisPubSubBackend}. */
export type RedisPubSubBackendOptions = RedisPlace & PubSubOptions;

/** How one shard of a cluster differs from a server of its own. */
export interface ShardSettings {
  readonly server: RedisServer;
  readonly commands: PubSubCommands;
  /** A topic that belongs to the shard. */
  readonly probeTopic: string;
}

/** What is there while the backend is open. */
interface Connection {
  readonly publisher: Link;
  readonly subscriber: Link;
  readonly subscriptions: Subscriptions;
  readonly queue: PublishQueue;
  readonly probe: Probe;
}

/**
 * Moves payloads by `PUBLISH` and `SUBSCRIBE`, over a connection for each: a topic is a channel of Redis.
 *
 * In an outage a publish waits a moment (see {@link PublishQueueOptions}) and a subscription up to `connectTimeoutMs`.
 * What others publish meanwhile is lost; every topic that was subscribed gets a gap afterwards. An outage that TCP does
 * not tell is found by a probe.
 */
export class RedisPubSubBackend implements Backend {
  readonly capabilities: Capabilities = {
    delivery: "at-most-once",
    crossProcess: true,
    history: false,
    workers: false,
  };
  readonly #server: RedisServer;
  readonly #commands: PubSubCommands;
  readonly #clock: Clock;
  readonly #probeMs: number;
  readonly #probeTopic: string;
  readonly #publishLimits: PublishLimits;
  #connection: Connection | undefined;

  /**
   * @throws {TypeError} unless it is said in one way where the server is.
   * @throws {RangeError} if the probe's interval is not more than 0, or a limit of the queue is negative.
   */
  constructor(options: RedisPubSubBackendOptions | (PubSubOptions & { readonly shard: ShardSettings })) {
    const { clock = globalThis, probeMs = 5_000, probePrefix = "greenroom" } = options;
    if (!(probeMs > 0)) throw new RangeError(`probeMs is a number of milliseconds above 0, not ${probeMs}.`);
    const shard = "shard" in options ? options.shard : undefined;
    this.#server = "shard" in options ? options.shard.server : redisPlace(options);
    this.#commands = shard?.commands ?? pubSub;
    this.#clock = clock;
    this.#probeMs = probeMs;
    this.#probeTopic = shard?.probeTopic ?? `${probePrefix}__probe__${randomBytes(10).toString("hex")}`;
    this.#publishLimits = publishLimits(options.publishQueue);
  }

  /** Where its server is, without passwords. */
  get address(): string {
    return this.#server.address;
  }

  get health(): Health {
    if (this.#connection === undefined) return { ok: false, reason: "The backend has not been opened." };
    const { publisher, subscriber } = this.#connection;
    const broken = [publisher, subscriber].find((link) => !link.isUp);
    return broken === undefined ? { ok: true } : { ok: false, reason: broken.trouble.message };
  }

  async open(listener: BackendListener): Promise<void> {
    const connection = this.#connect(listener);
    this.#connection = connection;
    const { publisher, subscriber } = connection;
    try {
      await Promise.all([publisher.open(), subscriber.open()]);
    } catch (error) {
      await close(connection);
      throw error;
    }
  }

  publish(topic: string, payload: Uint8Array): Promise<void> {
    return this.#connected().queue.publish(topic, payload);
  }

  subscribe(topic: string): Promise<void> {
    return this.#connected().subscriptions.subscribe(topic);
  }

  unsubscribe(topic: string): Promise<void> {
    return this.#connected().subscriptions.unsubscribe(topic);
  }

  async close(): Promise<void> {
    if (this.#connection !== undefined) await close(this.#connection);
  }

  #connected(): Connection {
    if (this.#connection === undefined) throw new LayerUnavailableError("The backend has not been opened.");
    return this.#connection;
  }

  #connect(listener: BackendListener): Connection {
    const { address, connectTimeoutMs: ms } = this.#server;
    const commands = this.#commands;
    const error = (failure: Error) => listener.error(failure);
    const publisher = new Link(
      "publisher",
      this.#server,
      { up: () => queue.flush(), down() {}, error },
      this.#clock,
    );
    const queue = new PublishQueue(
      {
        get isUp() {
          return publisher.isUp;
        },
        publish: (topic, payload) =>
          publisher.run((redis) => commands.publish(redis, topic, bytesOf(payload))),
        unavailable: (what) => publisher.unavailable(what),
      },
      this.#publishLimits,
      this.#clock,
    );
    const subscriber = new Link(
      "subscriber",
      this.#server,
      {
        up() {
          subscriptions.up();
          void probe.start();
        },
        down() {
          probe.stop();
          subscriptions.down();
        },
        error,
      },
      this.#clock,
    );
    const probe = new Probe(
      {
        subscribe: () => subscriber.run((redis) => commands.subscribe(redis, [this.#probeTopic])),
        publish: (token) => publisher.run((redis) => commands.publish(redis, this.#probeTopic, token)),
        ping: () => subscriber.redis.ping(),
        lost: (why) => void subscriber.rebuild(why),
        refused: error,
      },
      { intervalMs: this.#probeMs, deadlineMs: ms, clock: this.#clock },
    );
    const subscriptions = new Subscriptions(
      {
        subscribe: (topics) => subscriber.run((redis) => commands.subscribe(redis, topics)),
        unsubscribe: (topics) => subscriber.run((redis) => commands.unsubscribe(redis, topics)),
      },
      listener,
      {
        ms,
        clock: this.#clock,
        late: () => new LayerUnavailableError(`Redis at ${address} did not subscribe within ${ms} ms.`),
      },
    );
    // Topics are ASCII, so this is the cheapest way to read them.
    subscriber.redis.on(commands.event, (name: Buffer, payload: Buffer) => {
      const topic = name.toString("latin1");
      if (topic === this.#probeTopic) probe.arrived(payload);
      else subscriptions.payload(topic, payload);
    });
    // A shard that went to another master drops its topics, and says so.
    subscriber.redis.on("moved", () => void subscriber.rebuild(new Error("the shard has moved")));
    return { publisher, subscriber, subscriptions, queue, probe };
  }
}

async function close({ publisher, subscriber, subscriptions, queue, probe }: Connection): Promise<void> {
  subscriptions.close(new LayerClosedError());
  queue.close(new LayerClosedError());
  probe.stop();
  await Promise.all([publisher.close(), subscriber.close()]);
}

function bytesOf(payload: Uint8Array): Buffer {
  return Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
}
