import { ChannelLayer } from "../channel-layer.ts";
import type { AnyMessages } from "../message.ts";
import type { ChannelLayerOptions } from "../options.ts";
import type { BackendFactory } from "./connection/backend-factory.ts";
import type { PubSubOptions } from "./connection/pubsub-settings.ts";
import { pubSubCapabilities, RedisPubSubBackend } from "./pubsub/pubsub-backend.ts";
import { createBackend, type RedisTarget } from "./sharding/create-backend.ts";

/** Options of a {@link RedisPubSubLayer}: a target and a prefix, which have no default, and what every layer has. */
export type RedisPubSubLayerOptions = ChannelLayerOptions & Omit<PubSubOptions, "probePrefix"> & RedisTarget;

/**
 * A channel layer across processes and machines, over the pub/sub of one Redis server, of the master that Sentinels
 * agree on, of a Redis Cluster, or of several servers that share the groups out among them.
 *
 * Fast, and without memory: what is sent while a node's connection is down is lost to that node, and its channels get a
 * gap when the connection is back: one for each group that they are in, and one without a group for direct sends. A send
 * by that node waits half a second for the connection, then rejects with {@link LayerUnavailableError}.
 *
 * A node subscribes to a group while it has members of it, and payloads are plain msgpack under the names that
 * channels_redis' `RedisPubSubChannelLayer` uses: a Django or Fast Channels process with the same `prefix` shares the
 * groups. With several `hosts`, or a `cluster`, it does not: it would look for them elsewhere.
 *
 * @example
 * const chat = new RedisPubSubLayer<RoomMessages>({ url: "redis://localhost:6379", prefix: "chat" });
 * await chat.ready(); // rejects, naming the address, if Redis does not answer
 *
 * @example
 * const sentinels = [{ host: "10.0.0.1", port: 26379 }, { host: "10.0.0.2", port: 26379 }];
 * new RedisPubSubLayer({ sentinels, name: "mymaster", redis: { password }, prefix: "chat" });
 */
export class RedisPubSubLayer<M = AnyMessages> extends ChannelLayer<M> {
  /**
   * Connects to nothing yet.
   *
   * @throws {TypeError} unless exactly one target is given.
   * @throws {InvalidOptionError} for a number out of range.
   * @throws {InvalidNameError} if the prefix breaks its rule.
   */
  constructor(options: RedisPubSubLayerOptions) {
    const shared = { ...options, probePrefix: options.prefix };
    const factory: BackendFactory = {
      capabilities: pubSubCapabilities,
      keyOf: (topic) => topic,
      queueKeyOf: (queue) => queue,
      create: (target) => new RedisPubSubBackend({ ...shared, ...target }),
    };
    super(createBackend(shared, factory), options);
  }
}
