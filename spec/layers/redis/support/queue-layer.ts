import type { Backend, BackendListener, Capabilities, Health } from "../../../../layers/backend.ts";
import { ChannelLayer } from "../../../../layers/channel-layer.ts";
import type { Clock } from "../../../../layers/clock.ts";
import type { ChannelLayerOptions } from "../../../../layers/options.ts";
import { redisServer } from "../../../../layers/redis/connection/server-options.ts";
import { RedisPubSubBackend } from "../../../../layers/redis/index.ts";
import { RedisQueues } from "../../../../layers/redis/jobs/redis-queues.ts";

export interface QueueLayerOptions extends ChannelLayerOptions {
  readonly url: string;
  readonly connectTimeoutMs?: number;
  /** @default Node's timers */
  readonly clock?: Clock;
}

/** The smallest Redis backend with queues: pub/sub for groups, and streams for queues. */
class QueueBackend implements Backend {
  readonly capabilities: Capabilities;
  readonly queues: RedisQueues;
  readonly #groups: RedisPubSubBackend;
  #listener: BackendListener | undefined;

  constructor(options: QueueLayerOptions) {
    this.#groups = new RedisPubSubBackend(options);
    const onError = (error: Error) => this.#listener?.error(error);
    this.queues = new RedisQueues(redisServer(options), onError, options.clock ?? globalThis);
    this.capabilities = { ...this.#groups.capabilities, workers: true };
  }

  get health(): Health {
    return this.#groups.health;
  }

  open(listener: BackendListener): Promise<void> {
    this.#listener = listener;
    return this.#groups.open(listener);
  }

  publish(topic: string, payload: Uint8Array): Promise<void> {
    return this.#groups.publish(topic, payload);
  }

  subscribe(topic: string): Promise<void> {
    return this.#groups.subscribe(topic);
  }

  unsubscribe(topic: string): Promise<void> {
    return this.#groups.unsubscribe(topic);
  }

  async close(): Promise<void> {
    await this.queues.close();
    await this.#groups.close();
  }
}

export function queueLayer(options: QueueLayerOptions): ChannelLayer {
  return new ChannelLayer(new QueueBackend(options), options);
}
