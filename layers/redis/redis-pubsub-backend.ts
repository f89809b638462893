import type { Backend, BackendListener, Capabilities, Clock, Health } from "../contract.ts";
import { LayerClosedError, LayerUnavailableError } from "../errors.ts";
import { Link } from "./link.ts";
import { type RedisServer, type RedisServerOptions, redisServer } from "./redis-server.ts";
import { Subscriptions } from "./subscriptions.ts";

/** What can be told to {@link RedisPubSubBackend}. */
export interface RedisPubSubBackendOptions extends RedisServerOptions {
  /** The timers of deadlines. @default globalThis */
  readonly clock?: Clock;
}

/** What is there while the backend is open. */
interface Connection {
  readonly publisher: Link;
  readonly subscriber: Link;
  readonly subscriptions: Subscriptions;
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
  #connection: Connection | undefined;

  /** @throws {TypeError} if the URL is not that of a Redis server. */
  constructor({ clock = globalThis, ...server }: RedisPubSubBackendOptions) {
    this.#server = redisServer(server);
    this.#clock = clock;
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

  async publish(topic: string, payload: Uint8Array): Promise<void> {
    const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
    await this.#connected().publisher.run((redis) => redis.publish(topic, bytes));
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
    const error = (failure: Error) => listener.error(failure);
    const publisher = new Link("publisher", this.#server, { up() {}, down() {}, error }, this.#clock);
    const subscriber = new Link(
      "subscriber",
      this.#server,
      { up: () => subscriptions.up(), down: () => subscriptions.down(), error },
      this.#clock,
    );
    const subscriptions = new Subscriptions(
      {
        subscribe: (topics) => subscriber.run((redis) => redis.subscribe(...topics)),
        unsubscribe: (topics) => subscriber.run((redis) => redis.unsubscribe(...topics)),
      },
      listener,
      {
        ms,
        clock: this.#clock,
        late: () => new LayerUnavailableError(`Redis at ${address} did not subscribe within ${ms} ms.`),
      },
    );
    // Topics are ASCII, so this is the cheapest way to read them.
    subscriber.redis.on("messageBuffer", (topic, payload) =>
      subscriptions.payload(topic.toString("latin1"), payload),
    );
    return { publisher, subscriber, subscriptions };
  }
}

async function close({ publisher, subscriber, subscriptions }: Connection): Promise<void> {
  subscriptions.close(new LayerClosedError());
  await Promise.all([publisher.close(), subscriber.close()]);
}
