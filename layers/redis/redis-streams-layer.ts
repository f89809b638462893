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

/** Options of a {@link RedisStreamsLayer}: a target and a prefix, which have no default, and how much is kept. */
export type RedisStreamsLayerOptions = ChannelLayerOptions &
  Omit<PubSubOptions, "probePrefix"> &
  StreamOptions &
  RedisTarget;

/**
 * A channel layer across processes and machines, over streams of one Redis server, of the master that Sentinels agree
 * on, of a Redis Cluster, or of several servers that share groups and queues out among them. What is sent to a group
 * reaches each member that stays once, also after its node was cut off, as long as the group's history has it; and a
 * member hears of a gap, with the offsets that are missing where they are known, where it has not. When another process
 * answers than before, after a failover or a restart, that is a gap: it may have lost what no member has seen.
 *
 * {@link ChannelLayer.history} gives the history to whoever comes late or back, and deliveries say their place in it.
 * Direct sends are carried as by `RedisPubSubLayer`: at most once. Redis 6 or newer is needed; 7 for work queues and on
 * a cluster.
 *
 * @example
 * const chat = new RedisStreamsLayer<RoomMessages>({ url: "redis://localhost:6379", prefix: "chat", capacity: 500 });
 * const { entries, position, complete } = await chat.history("room_general", { since: lastSeen });
 *
 * @example
 * new RedisStreamsLayer({ cluster: [{ host: "10.0.0.1", port: 6379 }], prefix: "chat" });
 */
export class RedisStreamsLayer<M = AnyMessages> extends ChannelLayer<M> {
  /**
   * Connects to nothing yet.
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
