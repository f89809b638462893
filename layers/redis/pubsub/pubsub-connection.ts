import type { Redis } from "ioredis";
import type { BackendListener, Health } from "../../backend.ts";
import { LayerClosedError, LayerUnavailableError } from "../../errors.ts";
import { CommandQueue } from "../connection/command-queue.ts";
import { KindMarker, type LayerKind } from "../connection/kind-marker.ts";
import type { PubSubSettings } from "../connection/pubsub-settings.ts";
import { RedisConnection } from "../connection/redis-connection.ts";
import type { RedisServer } from "../connection/server-options.ts";
import { LivenessProbe } from "./liveness-probe.ts";
import { Subscriptions } from "./subscriptions.ts";

export type PublishPayload = (topic: string, payload: Uint8Array) => Promise<unknown>;

/** Additions of a backend to the connection that publishes. */
export interface PublisherHooks {
  /** Wraps the function that publishes a payload by `PUBLISH` or `SPUBLISH`. */
  via?(plain: PublishPayload): PublishPayload;
  /** See {@link RedisConnectionListener.prepare}. */
  prepare?(redis: Redis): void;
  /** The publisher has connected, perhaps to another server. */
  up?(): void;
  /** Distinguishes the two connections from those of groups, in errors and in `CLIENT LIST`. */
  readonly purpose?: string;
}

/** The two connections of pub/sub: a publisher with a queue of commands, and a subscriber with a probe. */
export class PubSubConnection {
  readonly publisher: RedisConnection;
  /** The commands of callers, which wait in an outage of the publisher. */
  readonly queue: CommandQueue;
  readonly subscriptions: Subscriptions;
  readonly #connectTimeoutMs: number;
  readonly #subscriber: RedisConnection;
  readonly #publish: PublishPayload;
  readonly #probe: LivenessProbe;
  readonly #marker: KindMarker | undefined;
  readonly #listener: BackendListener;
  readonly #address: string;

  constructor(
    kind: LayerKind,
    server: RedisServer,
    settings: PubSubSettings,
    listener: BackendListener,
    hooks: PublisherHooks = {},
  ) {
    const { address, connectTimeoutMs: ms } = server;
    const { clock, commands, probeMs, probeTopic, kindPrefix, commandLimits } = settings;
    const error = (failure: Error) => listener.error(failure);
    const role = (name: string) => (hooks.purpose === undefined ? name : `${hooks.purpose}-${name}`);
    const publisher = new RedisConnection(
      role("publisher"),
      server,
      {
        prepare: (redis) => hooks.prepare?.(redis),
        up: () => {
          this.queue.flush();
          this.#rebuildStraySubscriber();
          hooks.up?.();
        },
        down() {},
        error,
        demoted: (why) => {
          // A subscriber that has already moved to the new master would lose messages in a second outage.
          if (!this.#areApart) void subscriber.rebuild(why);
        },
      },
      clock,
    );
    const subscriber = new RedisConnection(
      role("subscriber"),
      server,
      {
        prepare: (redis) => this.#receiveFrom(redis, settings),
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
    const publish: PublishPayload = (topic, payload) => {
      const { buffer, byteOffset, byteLength } = payload;
      const bytes = Buffer.from(buffer, byteOffset, byteLength);
      const label = { command: commands.name, keys: [topic] };
      return publisher.run((redis) => commands.publish(redis, topic, bytes), label);
    };
    this.queue = new CommandQueue(publisher, commandLimits, clock);
    this.#publish = hooks.via?.(publish) ?? publish;
    const subscribe = (keys: readonly string[]) => {
      const label = { command: commands.subscribeName, keys };
      return subscriber.run((redis) => commands.subscribe(redis, keys), label);
    };
    this.#probe = new LivenessProbe(
      {
        subscribe: () => subscribe([probeTopic]),
        publish: async (token) => {
          const receivers = await publisher.run((redis) => commands.publish(redis, probeTopic, token), {
            command: commands.name,
            keys: [probeTopic],
          });
          if (receivers === 0) this.#rebuildStrayPublisher();
          return receivers;
        },
        ping: () => subscriber.run((redis) => redis.ping()),
        lost: (why) => void subscriber.rebuild(why),
        refused: (failure) => {
          // The layer works without the probe's topic, so it stays healthy.
          subscriber.forget(probeTopic);
          error(failure);
        },
      },
      { intervalMs: probeMs, deadlineMs: ms, clock },
    );
    this.subscriptions = new Subscriptions(
      {
        subscribe,
        unsubscribe: (topics) => subscriber.run((redis) => commands.unsubscribe(redis, topics)),
        forget: (topic) => subscriber.forget(topic),
      },
      listener,
      {
        ms,
        clock,
        late: () =>
          new LayerUnavailableError(`Redis at ${address} did not confirm a subscription within ${ms} ms.`),
      },
    );
    if (kindPrefix !== undefined) {
      this.#marker = new KindMarker(kindPrefix, kind, {
        subscribe: (topic) => subscriber.run((redis) => commands.subscribe(redis, [topic])),
        count: (topic) => publisher.run((redis) => commands.count(redis, topic)),
      });
    }
    this.#listener = listener;
    this.#address = address;
    this.publisher = publisher;
    this.#connectTimeoutMs = ms;
    this.#subscriber = subscriber;
  }

  get health(): Health {
    const connections = [this.publisher, this.#subscriber];
    const broken = connections.find((connection) => !connection.isUp);
    const failure = broken?.notConnected ?? this.publisher.outage ?? this.#subscriber.outage;
    return failure === undefined ? { ok: true } : { ok: false, reason: failure.message };
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

  /** Whether the servers of the two connections differ. False if the servers do not tell their ids. */
  get #areApart(): boolean {
    return this.publisher.facts?.runId !== this.#subscriber.facts?.runId;
  }

  /** After a failover, the subscriber may still be connected to the old master, and cannot always be checked. */
  #rebuildStraySubscriber(): void {
    if (!this.#areApart) return;
    void this.#subscriber.rebuild(new Error("the publisher has connected to another server"));
  }

  /**
   * After a failover, the publisher may still be connected to the old master.
   *
   * @throws if the servers differ, because a publication then does not tell whether the subscriber works.
   */
  #rebuildStrayPublisher(): void {
    if (this.publisher.serverId === this.#subscriber.serverId) return;
    const why = new Error("the publisher and the subscriber may be connected to different servers");
    void this.publisher.rebuild(why);
    if (this.#areApart) throw why;
  }

  publish(topic: string, payload: Uint8Array): Promise<unknown> {
    return this.queue.run(payload.byteLength, () => this.#publish(topic, payload));
  }

  /** Waits up to `connectTimeoutMs` for the commands that wait in the queue. */
  async close(): Promise<void> {
    this.subscriptions.close(new LayerClosedError());
    this.#probe.stop();
    const closePublisher = async () => {
      await this.queue.close(this.#connectTimeoutMs);
      await this.publisher.close();
    };
    await Promise.all([closePublisher(), this.#subscriber.close()]);
  }

  #receiveFrom(redis: Redis, { commands, probeTopic }: PubSubSettings): void {
    // Topics are ASCII, and latin1 is the cheapest encoding to decode.
    redis.on(commands.event, (name: Buffer, payload: Buffer) => {
      const topic = name.toString("latin1");
      if (topic === probeTopic) this.#probe.received(payload);
      else this.subscriptions.payload(topic, payload);
      const room = this.#listener.room?.();
      if (room !== undefined) this.#subscriber.pauseReading(room);
    });
    // If a shard moves to another master, the old master drops the shard's subscriptions.
    redis.on("moved", () => void this.#subscriber.rebuild(new Error("the shard has moved")));
  }
}
