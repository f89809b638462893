import { ChannelLayer } from "../channel-layer.ts";
import type { AnyMessages } from "../message.ts";
import type { ChannelLayerOptions } from "../options.ts";
import type { BackendFactory } from "./connection/backend-factory.ts";
import type { PubSubOptions } from "./connection/pubsub-settings.ts";
import { pubSubCapabilities, RedisPubSubBackend } from "./pubsub/pubsub-backend.ts";
import { createBackend, type RedisTarget } from "./sharding/create-backend.ts";

/** Options of a {@link RedisPubSubLayer}. The target and the prefix have no default. */
export type RedisPubSubLayerOptions = ChannelLayerOptions & Omit<PubSubOptions, "probePrefix"> & RedisTarget;

/**
 * A channel layer across processes and machines, over Redis pub/sub: one server, a master that Sentinels
 * agree on, a Redis Cluster, or several servers among which the groups are spread.
 *
 * Delivery is at most once. A node is subscribed to a group while it has members of it. Messages that are
 * sent while its connection is down are lost to that node; afterwards its channels receive one gap for each
 * of their groups, and one without a group for direct sends. A send by that node waits half a second for the
 * connection, then rejects with {@link LayerUnavailableError}.
 *
 * Payloads are plain msgpack under the topic names of channels_redis' `RedisPubSubChannelLayer`, so a Django
 * or Fast Channels process with the same `prefix` shares the groups; but not with several `hosts` or a
 * `cluster`, because such a process looks for the groups on other servers.
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
   * Does not connect yet.
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
