import { ChannelLayer } from "../channel-layer.ts";
import type { AnyMessages } from "../message.ts";
import type { ChannelLayerOptions } from "../options.ts";
import { Topics } from "../wire/topics.ts";
import type { BackendFactory } from "./connection/backend-factory.ts";
import type { PubSubOptions } from "./connection/pubsub-settings.ts";
import { queueKeys } from "./jobs/queue-scripts.ts";
import { createBackend, type RedisTarget } from "./sharding/create-backend.ts";
import { streamNames } from "./streams/stream-format.ts";
import { RedisStreamsBackend, type StreamOptions, streamsCapabilities } from "./streams/streams-backend.ts";

/** Options of a {@link RedisStreamsLayer}. The target and the prefix have no default. */
export type RedisStreamsLayerOptions = ChannelLayerOptions &
  Omit<PubSubOptions, "probePrefix"> &
  StreamOptions &
  RedisTarget;

/**
 * A channel layer across processes and machines, over Redis streams: one server, a master that Sentinels
 * agree on, a Redis Cluster, or several servers among which groups and queues are spread.
 *
 * A message to a group reaches each member once, even if the member's node was cut off meanwhile, as long as
 * the group's history contains the message. Otherwise the member receives a gap, with the missing offsets if
 * they are known. A failover or a restart of the server is a gap too, because the new process may have lost
 * messages that no member has received. Direct sends are delivered at most once, as by `RedisPubSubLayer`.
 *
 * {@link ChannelLayer.history} returns the history, and each delivery has its position in it. Requires Redis
 * 6 or later; work queues and a cluster require Redis 7.
 *
 * @example
 * const chat = new RedisStreamsLayer<RoomMessages>({ url: "redis://localhost", prefix: "chat", capacity: 500 });
 * const { entries, position, complete } = await chat.history("room_general", { since: lastSeen });
 *
 * @example
 * new RedisStreamsLayer({ cluster: [{ host: "10.0.0.1", port: 6379 }], prefix: "chat" });
 */
export class RedisStreamsLayer<M = AnyMessages> extends ChannelLayer<M> {
  /**
   * Does not connect yet.
   *
   * @throws {TypeError} unless exactly one target is given.
   * @throws {InvalidNameError} if the prefix breaks its rule.
   * @throws {InvalidOptionError} for a number out of range.
   */
  constructor(options: RedisStreamsLayerOptions) {
    const shared = { ...options, probePrefix: options.prefix };
    const topics = new Topics(options.prefix);
    const factory: BackendFactory = {
      capabilities: streamsCapabilities,
      keyOf: (topic) => (topics.isGroup(topic) ? streamNames(topic).channel : topic),
      queueKeyOf: (queue) => queueKeys(queue).tag,
      create: (target) => new RedisStreamsBackend({ ...shared, ...target }),
    };
    super(createBackend(shared, factory), options);
  }
}
