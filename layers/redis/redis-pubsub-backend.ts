import type { Backend, BackendListener, Capabilities, Clock, Health } from "../contract.ts";
import { LayerUnavailableError } from "../errors.ts";
import { PubSubConnection } from "./pubsub-connection.ts";
import { type RedisServer, type RedisServerOptions, redisServer } from "./redis-server.ts";

/** What can be told to {@link RedisPubSubBackend}. */
export interface RedisPubSubBackendOptions extends RedisServerOptions {
  /** The timers of deadlines. @default globalThis */
  readonly clock?: Clock;
}

/**
 * Moves payloads by `PUBLISH` and `SUBSCRIBE`, over a connection for each: a topic is a channel of Redis.
 *
 * In an outage a publish fails at once and a subscription waits for its end, up to `connectTimeoutMs`. What others
 * publish meanwhile is lost; every topic that was subscribed gets a gap afterwards.
 */
export class RedisPubSubBackend implements Backend {
  readonly capabilities: Capabilities = {
    delivery: "at-most-once",
    crossProcess: true,
    history: false,
    workers: false,
  };
  readonly #server: RedisServer;
  readonly #clock: Clock;
  #connection: PubSubConnection | undefined;

  /** @throws {TypeError} if the URL is not that of a Redis server. */
  constructor({ clock = globalThis, ...server }: RedisPubSubBackendOptions) {
    this.#server = redisServer(server);
    this.#clock = clock;
  }

  get health(): Health {
    return this.#connection?.health ?? { ok: false, reason: "The backend has not been opened." };
  }

  async open(listener: BackendListener): Promise<void> {
    this.#connection = new PubSubConnection(this.#server, this.#clock, listener);
    await this.#connection.open();
  }

  async publish(topic: string, payload: Uint8Array): Promise<void> {
    await this.#connected().publish(topic, payload);
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
