import type { BackendListener, Health } from "../../backend.ts";
import type { Clock } from "../../clock.ts";
import { LayerClosedError, LayerUnavailableError } from "../../errors.ts";
import { asBuffer } from "../connection/as-buffer.ts";
import type { PubSubCommands } from "../connection/pubsub-commands.ts";
import { RedisConnection } from "../connection/redis-connection.ts";
import type { RedisServer } from "../connection/server-options.ts";
import { Probe } from "./liveness-probe.ts";
import { type PublishLimits, PublishQueue } from "./publish-queue.ts";
import { Subscriptions } from "./subscriptions.ts";

/** How the two connections behave. */
export interface PubSubSettings {
  readonly clock: Clock;
  readonly commands: PubSubCommands;
  readonly probeMs: number;
  readonly probeTopic: string;
  readonly publishLimits: PublishLimits;
}

/** Carries a payload to wherever `topic` is. */
export type Publish = (topic: string, payload: Uint8Array) => Promise<unknown>;

/**
 * The two connections that pub/sub needs, one to publish and one to subscribe, with the probe that tells whether the
 * second one still hears the first, and what waits to be published while that one is down.
 */
export class PubSubConnection {
  readonly publisher: RedisConnection;
  readonly subscriptions: Subscriptions;
  readonly #subscriber: RedisConnection;
  readonly #queue: PublishQueue;
  readonly #probe: Probe;

  /** @param via how payloads are published, given how they would be: by one command each. */
  constructor(
    server: RedisServer,
    settings: PubSubSettings,
    listener: BackendListener,
    via: (plain: Publish) => Publish = (plain) => plain,
  ) {
    const { address, connectTimeoutMs: ms } = server;
    const { clock, commands, probeMs, probeTopic, publishLimits } = settings;
    const error = (failure: Error) => listener.error(failure);
    const publisher = new RedisConnection(
      "publisher",
      server,
      { up: () => this.#queue.flush(), down() {}, error },
      clock,
    );
    const subscriber = new RedisConnection(
      "subscriber",
      server,
      {
        up: () => {
          this.subscriptions.up();
          void this.#probe.start();
        },
        down: () => {
          this.#probe.stop();
          this.subscriptions.down();
        },
        error,
      },
      clock,
    );
    this.#queue = new PublishQueue(
      {
        get isUp() {
          return publisher.isUp;
        },
        publish: via((topic, payload) =>
          publisher.run((redis) => commands.publish(redis, topic, asBuffer(payload))),
        ),
        unavailable: (what) => publisher.unavailable(what),
      },
      publishLimits,
      clock,
    );
    this.#probe = new Probe(
      {
        subscribe: () => subscriber.run((redis) => commands.subscribe(redis, [probeTopic])),
        publish: (token) => publisher.run((redis) => commands.publish(redis, probeTopic, token)),
        ping: () => subscriber.redis.ping(),
        lost: (why) => void subscriber.rebuild(why),
        refused: error,
      },
      { intervalMs: probeMs, deadlineMs: ms, clock },
    );
    this.subscriptions = new Subscriptions(
      {
        subscribe: (topics) => subscriber.run((redis) => commands.subscribe(redis, topics)),
        unsubscribe: (topics) => subscriber.run((redis) => commands.unsubscribe(redis, topics)),
      },
      listener,
      {
        ms,
        clock,
        late: () => new LayerUnavailableError(`Redis at ${address} did not subscribe within ${ms} ms.`),
      },
    );
    // Topics are ASCII, so this is the cheapest way to read them.
    subscriber.redis.on(commands.event, (name: Buffer, payload: Buffer) => {
      const topic = name.toString("latin1");
      if (topic === probeTopic) this.#probe.arrived(payload);
      else this.subscriptions.payload(topic, payload);
    });
    // A shard that went to another master drops its topics, and says so.
    subscriber.redis.on("moved", () => void subscriber.rebuild(new Error("the shard has moved")));
    this.publisher = publisher;
    this.#subscriber = subscriber;
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

  publish(topic: string, payload: Uint8Array): Promise<void> {
    return this.#queue.publish(topic, payload);
  }

  async close(): Promise<void> {
    this.subscriptions.close(new LayerClosedError());
    this.#queue.close(new LayerClosedError());
    this.#probe.stop();
    await Promise.all([this.publisher.close(), this.#subscriber.close()]);
  }
}
