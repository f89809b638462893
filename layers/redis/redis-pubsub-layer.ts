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
 * A channel layer across processes and machines that uses Redis pub/sub. The target is one server, a master
 * that Sentinels monitor, a Redis Cluster, or several servers over which the groups are distributed.
 *
 * Each message is delivered at most once. A node is subscribed to a group while the group has members on this
 * node. While the connection of a node is down, the node's channels miss all messages. After the reconnect,
 * each of these channels receives one gap for every group that the channel belongs to, and one gap without a
 * group, for missed direct sends. During the outage, a send by the node waits up to half a second for the
 * connection, and then rejects with `LayerUnavailableError`.
 *
 * Payloads are plain msgpack, and topics are named as in channels_redis' `RedisPubSubChannelLayer`. A Django
 * or Fast Channels process with the same `prefix` therefore shares the groups. But such a process cannot
 * share groups of several `hosts` or of a `cluster`, because it looks for these groups on other servers.
 *
 * @example
 * const chat = new RedisPubSubLayer<RoomMessages>({ url: "redis://localhost:6379", prefix: "chat" });
 * await chat.ready(); // if Redis does not answer: rejects with an error that contains the address
 *
 * @example
 * const sentinels = [{ host: "10.0.0.1", port: 26379 }, { host: "10.0.0.2", port: 26379 }];
 * new RedisPubSubLayer({ sentinels, name: "mymaster", redis: { password }, prefix: "chat" });
 */
export class RedisPubSubLayer<M = AnyMessages> extends ChannelLayer<M> {
  /**
   * The constructor does not connect.
   *
   * @throws {TypeError} unless exactly one target is given.
   * @throws {InvalidOptionError} for a number out of range.
   * @throws {InvalidNameError} if the prefix is not a valid name.
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
