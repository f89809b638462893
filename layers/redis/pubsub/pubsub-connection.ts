import type { BackendListener, Health } from "../../backend.ts";
import { LayerClosedError, LayerUnavailableError } from "../../errors.ts";
import { CommandQueue } from "../connection/command-queue.ts";
import type { PubSubSettings } from "../connection/pubsub-settings.ts";
import { RedisConnection } from "../connection/redis-connection.ts";
import type { RedisServer } from "../connection/server-options.ts";
import { LivenessProbe } from "./liveness-probe.ts";
import { Subscriptions } from "./subscriptions.ts";

export type PublishPayload = (topic: string, payload: Uint8Array) => Promise<unknown>;

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

  /** @param via wraps the function that publishes a payload by `PUBLISH` or `SPUBLISH`. */
  constructor(
    server: RedisServer,
    settings: PubSubSettings,
    listener: BackendListener,
    via: (plain: PublishPayload) => PublishPayload = (plain) => plain,
  ) {
    const { address, connectTimeoutMs: ms } = server;
    const { clock, commands, probeMs, probeTopic, commandLimits } = settings;
    const error = (failure: Error) => listener.error(failure);
    const publisher = new RedisConnection(
      "publisher",
      server,
      { up: () => this.queue.flush(), down() {}, error },
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
    this.queue = new CommandQueue(publisher, commandLimits, clock);
    this.#publish = via((topic, payload) =>
      publisher.run((redis) => {
        const { buffer, byteOffset, byteLength } = payload;
        return commands.publish(redis, topic, Buffer.from(buffer, byteOffset, byteLength));
      }),
    );
    this.#probe = new LivenessProbe(
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
    this.publisher = publisher;
    this.#connectTimeoutMs = ms;
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
}
