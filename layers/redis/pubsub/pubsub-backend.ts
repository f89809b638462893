import type { BackendListener, Capabilities, Health } from "../../backend.ts";
import { LayerUnavailableError } from "../../errors.ts";
import { type ByShard, type RedisBackend, serverOf } from "../connection/backend-factory.ts";
import type { PubSubOptions } from "../connection/pubsub-settings.ts";
import type { RedisTarget } from "../connection/server-address.ts";
import type { RedisServer } from "../connection/server-options.ts";
import { PubSubConnection, type PubSubSettings } from "./pubsub-connection.ts";

export const pubSubCapabilities: Capabilities = {
  delivery: "at-most-once",
  crossProcess: true,
  history: false,
  workers: false,
};

/** What can be told to {@link RedisPubSubBackend}. */
export type RedisPubSubBackendOptions = RedisTarget & PubSubOptions;

/**
 * Moves payloads by `PUBLISH` and `SUBSCRIBE`, over a connection for each: a topic is a channel of Redis.
 *
 * In an outage a publish waits a moment (see {@link PublishQueueOptions}) and a subscription up to `connectTimeoutMs`.
 * What others publish meanwhile is lost; every topic that was subscribed gets a gap afterwards. An outage that TCP does
 * not tell is found by a probe.
 */
export class RedisPubSubBackend implements RedisBackend {
  readonly capabilities = pubSubCapabilities;
  readonly #server: RedisServer;
  readonly #settings: PubSubSettings;
  #connection: PubSubConnection | undefined;

  /**
   * @throws {TypeError} unless it is said in one way where the server is.
   * @throws {InvalidOptionError} for a number that makes no sense.
   */
  constructor(options: RedisPubSubBackendOptions | (PubSubOptions & ByShard)) {
    const { server, settings } = serverOf(options);
    this.#server = server;
    this.#settings = settings;
  }

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
