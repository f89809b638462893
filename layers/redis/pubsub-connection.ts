import type { BackendListener, Clock, Health } from "../contract.ts";
import { LayerClosedError, LayerUnavailableError } from "../errors.ts";
import { Link } from "./link.ts";
import type { RedisServer } from "./redis-server.ts";
import { Subscriptions } from "./subscriptions.ts";

/** The two connections that pub/sub needs, one to publish and one to subscribe. */
export class PubSubConnection {
  readonly publisher: Link;
  readonly subscriptions: Subscriptions;
  readonly #subscriber: Link;

  constructor(server: RedisServer, clock: Clock, listener: BackendListener) {
    const { address, connectTimeoutMs: ms } = server;
    const error = (failure: Error) => listener.error(failure);
    this.publisher = new Link("publisher", server, { up() {}, down() {}, error }, clock);
    const subscriber = new Link(
      "subscriber",
      server,
      { up: () => subscriptions.up(), down: () => subscriptions.down(), error },
      clock,
    );
    const subscriptions = new Subscriptions(
      {
        subscribe: (topics) => subscriber.run((redis) => redis.subscribe(...topics)),
        unsubscribe: (topics) => subscriber.run((redis) => redis.unsubscribe(...topics)),
      },
      listener,
      {
        ms,
        clock,
        late: () => new LayerUnavailableError(`Redis at ${address} did not subscribe within ${ms} ms.`),
      },
    );
    // Topics are ASCII, so this is the cheapest way to read them.
    subscriber.redis.on("messageBuffer", (topic, payload) =>
      subscriptions.payload(topic.toString("latin1"), payload),
    );
    this.#subscriber = subscriber;
    this.subscriptions = subscriptions;
  }

  get health(): Health {
    const broken = [this.publisher, this.#subscriber].find((link) => !link.isUp);
    return broken === undefined ? { ok: true } : { ok: false, reason: broken.trouble.message };
  }

  /** @throws {LayerUnavailableError} naming the address. Everything is closed then. */
  async open(): Promise<void> {
    try {
      await Promise.all([this.publisher.open(), this.#subscriber.open()]);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async publish(topic: string, payload: Uint8Array): Promise<void> {
    const bytes = asBuffer(payload);
    await this.publisher.run((redis) => redis.publish(topic, bytes));
  }

  async close(): Promise<void> {
    this.subscriptions.close(new LayerClosedError());
    await Promise.all([this.publisher.close(), this.#subscriber.close()]);
  }
}

/** The same bytes, as ioredis wants them. */
export function asBuffer(payload: Uint8Array): Buffer {
  return Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
}
