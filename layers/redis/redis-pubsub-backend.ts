import type { Backend, BackendListener, Capabilities, Health } from "../contract.ts";
import { LayerUnavailableError } from "../errors.ts";
import type { PubSubCommands } from "./pubsub-commands.ts";
import { PubSubConnection, type PubSubSettings } from "./pubsub-connection.ts";
import { type PubSubOptions, pubSubSettings } from "./pubsub-settings.ts";
import type { RedisServer } from "./redis-server.ts";
import { type RedisPlace, redisPlace } from "./servers.ts";

/** What can be told to {@link RedisPubSubBackend}. */
export type RedisPubSubBackendOptions = RedisPlace & PubSubOptions;

/** How one shard of a cluster differs from a server of its own. */
export interface ShardSettings {
  readonly server: RedisServer;
  readonly commands: PubSubCommands;
  /** A topic that belongs to the shard. */
  readonly probeTopic: string;
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
  readonly #settings: PubSubSettings;
  #connection: PubSubConnection | undefined;

  /**
   * @throws {TypeError} unless it is said in one way where the server is.
   * @throws {RangeError} if the probe's interval is not more than 0, or a limit of the queue is negative.
   */
  constructor(options: RedisPubSubBackendOptions | (PubSubOptions & { readonly shard: ShardSettings })) {
    if ("shard" in options) {
      const { server, commands, probeTopic } = options.shard;
      this.#server = server;
      this.#settings = { ...pubSubSettings(options), commands, probeTopic };
    } else {
      this.#server = redisPlace(options);
      this.#settings = pubSubSettings(options);
    }
  }

  /** Where its server is, without passwords. */
  get address(): string {
    return this.#server.address;
  }

  get health(): Health {
    return this.#connection?.health ?? { ok: false, reason: "The backend has not been opened." };
  }

  async open(listener: BackendListener): Promise<void> {
    this.#connection = new PubSubConnection(this.#server, this.#settings, listener);
    await this.#connection.open();
  }

  publish(topic: string, payload: Uint8Array): Promise<void> {
    return this.#connected().publish(topic, payload);
  }

  subscribe(topic: string): Promise<void> {
    return this.#connected().subscriptions.subscribe(topic);
  }

  unsubscribe(topic: string): Promise<void> {
    return this.#connected().subscriptions.unsubscribe(topic);
  }

  async close(): Promise<void> {
    await this.#connection?.close();
  }

  #connected(): PubSubConnection {
    if (this.#connection === undefined) throw new LayerUnavailableError("The backend has not been opened.");
    return this.#connection;
  }
}
