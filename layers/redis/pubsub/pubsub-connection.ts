import type { BackendListener, Health } from "../../backend.ts";
import { LayerClosedError, LayerUnavailableError } from "../../errors.ts";
import { KindMarker, type LayerKind } from "../connection/kind-marker.ts";
import type { PubSubSettings } from "../connection/pubsub-settings.ts";
import { RedisConnection } from "../connection/redis-connection.ts";
import type { RedisServer } from "../connection/server-options.ts";
import { LivenessProbe } from "./liveness-probe.ts";
import { PublishQueue } from "./publish-queue.ts";
import { Subscriptions } from "./subscriptions.ts";

export interface PubSubListener extends BackendListener {
  /** The publisher has connected, perhaps to another server. */
  publisherUp?(): void;
}

export type PublishPayload = (topic: string, payload: Uint8Array) => Promise<unknown>;

/** The two connections of pub/sub: a publisher with a queue for outages, and a subscriber with a probe. */
export class PubSubConnection {
  readonly publisher: RedisConnection;
  readonly subscriptions: Subscriptions;
  readonly #subscriber: RedisConnection;
  readonly #queue: PublishQueue;
  readonly #probe: LivenessProbe;
  readonly #marker: KindMarker | undefined;
  readonly #listener: BackendListener;
  readonly #address: string;

  /** @param via wraps the function that publishes a payload by `PUBLISH` or `SPUBLISH`. */
  constructor(
    kind: LayerKind,
    server: RedisServer,
    settings: PubSubSettings,
    listener: PubSubListener,
    via: (plain: PublishPayload) => PublishPayload = (plain) => plain,
  ) {
    const { address, connectTimeoutMs: ms } = server;
    const { clock, commands, probeMs, probeTopic, kindPrefix, publishLimits } = settings;
    const error = (failure: Error) => listener.error(failure);
    const publisher = new RedisConnection(
      "publisher",
      server,
      {
        up: () => {
          this.#queue.flush();
          listener.publisherUp?.();
        },
        down() {},
        error,
        demoted: (why) => void subscriber.rebuild(why),
      },
      clock,
    );
    const subscriber = new RedisConnection(
      "subscriber",
      server,
      {
        up: () => {
          this.subscriptions.up();
          void this.#probe.start();
          this.#marker?.announce();
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
          publisher.run((redis) => {
            const { buffer, byteOffset, byteLength } = payload;
            return commands.publish(redis, topic, Buffer.from(buffer, byteOffset, byteLength));
          }),
        ),
        unavailable: (what) => publisher.unavailable(what),
      },
      publishLimits,
      clock,
    );
    this.#probe = new LivenessProbe(
      {
        subscribe: () => subscriber.run((redis) => commands.subscribe(redis, [probeTopic])),
        publish: async (token) => {
          const receivers = await publisher.run((redis) => commands.publish(redis, probeTopic, token));
          if (receivers === 0) this.#rebuildStrayPublisher();
          return receivers;
        },
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
        late: () =>
          new LayerUnavailableError(`Redis at ${address} did not confirm a subscription within ${ms} ms.`),
      },
    );
    // Topics are ASCII, and latin1 is the cheapest encoding to decode.
    subscriber.redis.on(commands.event, (name: Buffer, payload: Buffer) => {
      const topic = name.toString("latin1");
      if (topic === probeTopic) this.#probe.received(payload);
      else this.subscriptions.payload(topic, payload);
    });
    // If a shard moves to another master, the old master drops the shard's subscriptions.
    subscriber.redis.on("moved", () => void subscriber.rebuild(new Error("the shard has moved")));
    if (kindPrefix !== undefined) {
      this.#marker = new KindMarker(kindPrefix, kind, {
        subscribe: (topic) => subscriber.run((redis) => commands.subscribe(redis, [topic])),
        count: (topic) => publisher.run((redis) => commands.count(redis, topic)),
      });
    }
    this.#listener = listener;
    this.#address = address;
    this.publisher = publisher;
    this.#subscriber = subscriber;
  }

  get health(): Health {
    const broken = [this.publisher, this.#subscriber].find((connection) => !connection.isUp);
    return broken === undefined ? { ok: true } : { ok: false, reason: broken.notConnected.message };
  }

  /** @throws {LayerUnavailableError} with the address, if either connection fails. Both are then closed. */
  async open(): Promise<void> {
    try {
      await Promise.all([this.publisher.open(), this.#subscriber.open()]);
    } catch (error) {
      await this.close();
      throw error;
    }
    const conflict = await this.#marker?.conflict(this.#address);
    if (conflict !== undefined) this.#listener.error(conflict);
  }

  /** After a failover, the publisher may still be connected to the old master. */
  #rebuildStrayPublisher(): void {
    if (this.publisher.serverId === this.#subscriber.serverId) return;
    const why = new Error("the publisher and the subscriber may be connected to different servers");
    void this.publisher.rebuild(why);
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
