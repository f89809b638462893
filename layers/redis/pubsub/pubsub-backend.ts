import type { BackendListener, Capabilities, Health } from "../../backend.ts";
import { LayerUnavailableError } from "../../errors.ts";
import { type ByShard, type RedisBackend, serverOf } from "../connection/backend-factory.ts";
import type { PubSubOptions, PubSubSettings } from "../connection/pubsub-settings.ts";
import type { RedisServerTarget } from "../connection/server-address.ts";
import type { RedisServer } from "../connection/server-options.ts";
import { PubSubConnection } from "./pubsub-connection.ts";

export const pubSubCapabilities: Capabilities = {
  delivery: "at-most-once",
  crossProcess: true,
  history: false,
  workers: false,
  state: false,
};

/** Options of a {@link RedisPubSubBackend}. */
export type RedisPubSubBackendOptions = RedisServerTarget & PubSubOptions;

/**
 * Sends payloads by `PUBLISH` over one connection, and receives payloads by `SUBSCRIBE` over another. Each
 * topic is a Redis channel.
 *
 * In an outage, a call of `publish` waits as long as {@link CommandQueueOptions} permit, and a call of
 * `subscribe` waits up to `connectTimeoutMs`. Payloads that other nodes publish during the outage are lost,
 * and every subscribed topic receives a gap after the reconnect. A heartbeat detects outages that TCP does
 * not report.
 */
export class RedisPubSubBackend implements RedisBackend {
  /** The same for each backend of this class. */
  readonly capabilities = pubSubCapabilities;
  readonly #server: RedisServer;
  readonly #settings: PubSubSettings;
  #connection: PubSubConnection | undefined;

  /**
   * @throws {TypeError} unless exactly one target is given.
   * @throws {InvalidOptionError} for a number out of range.
   */
  constructor(options: RedisPubSubBackendOptions | (PubSubOptions & ByShard)) {
    const { server, settings } = serverOf(options);
    this.#server = server;
    this.#settings = settings;
  }

  get address(): string {
    return this.#server.address;
  }

  /** Unhealthy while a connection is down, or the server refuses commands. */
  get health(): Health {
    return this.#connection?.health ?? { ok: false, reason: "The backend has not been opened." };
  }

  async open(listener: BackendListener): Promise<void> {
    this.#connection = new PubSubConnection("pub/sub", this.#server, this.#settings, listener);
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

  abandon(): void {
    this.#connection?.queue.abandon();
  }

  async close(): Promise<void> {
    await this.#connection?.close();
  }

  #connected(): PubSubConnection {
    if (this.#connection === undefined) throw new LayerUnavailableError("The backend has not been opened.");
    return this.#connection;
  }
}
