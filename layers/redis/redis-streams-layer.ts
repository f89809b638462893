import type { Backend } from "../backend.ts";
import { ChannelLayer } from "../channel-layer.ts";
import type { AnyMessages } from "../message.ts";
import type { ChannelLayerOptions } from "../options.ts";
import { Topics } from "../wire/topics.ts";
import type { BackendFactory } from "./connection/backend-factory.ts";
import type { PubSubOptions } from "./connection/pubsub-settings.ts";
import { queueKeys } from "./jobs/queue-scripts.ts";
import { createBackend, type RedisTarget } from "./sharding/create-backend.ts";
import { StateKeys } from "./state/state-keys.ts";
import { secretKey, streamNames } from "./streams/stream-format.ts";
import { RedisStreamsBackend, type StreamOptions, streamsCapabilities } from "./streams/streams-backend.ts";

/** Options of a {@link RedisStreamsLayer}. The target and the prefix have no default. */
export type RedisStreamsLayerOptions = ChannelLayerOptions &
  Omit<PubSubOptions, "probePrefix"> &
  StreamOptions &
  RedisTarget;

/**
 * A channel layer across processes and machines that uses Redis streams. The target is one server, a master
 * that Sentinels monitor, a Redis Cluster, or several servers over which groups and queues are distributed.
 *
 * A message to a group reaches each member once. When a node reconnects after an outage, it reads the missed
 * messages from the group's history. If the history no longer contains a message, each member on the node
 * receives a gap instead. The gap contains the missing offsets if they are known. A failover or a restart of
 * the server also causes a gap, because the new server process may lack messages that no member has received.
 * Direct sends are delivered at most once, as by `RedisPubSubLayer`.
 *
 * {@link ChannelLayer.history} returns a group's history, and each delivery contains the message's position
 * in the history. Requires Redis 6 or later; work queues and a cluster require Redis 7.
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
   * The constructor does not connect.
   *
   * @throws {TypeError} unless exactly one target is given.
   * @throws {InvalidNameError} if the prefix is not a valid name.
   * @throws {InvalidOptionError} for a number out of range.
   */
  constructor(options: RedisStreamsLayerOptions) {
    super(createStreamsBackend(options), options);
  }
}

/** The backend of a {@link RedisStreamsLayer}. */
export function createStreamsBackend(options: RedisStreamsLayerOptions): Backend {
  const shared = { ...options, probePrefix: options.prefix };
  const topics = new Topics(options.prefix);
  const stateKeys = new StateKeys(options.prefix);
  const factory: BackendFactory = {
    capabilities: streamsCapabilities,
    keyOf: (topic) => (topics.isGroup(topic) ? streamNames(topic).channel : topic),
    secretKey: secretKey(options.prefix),
    queueKeyOf: (queue) => queueKeys(queue).tag,
    stateKeyOf: (place) => (typeof place === "string" ? stateKeys.kindTag(place) : stateKeys.tag(place)),
    create: (target) => new RedisStreamsBackend({ ...shared, ...target }),
  };
  return createBackend(shared, factory);
}
