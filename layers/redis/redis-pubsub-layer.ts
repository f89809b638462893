import { ChannelLayer, type ChannelLayerOptions } from "../channel-layer.ts";
import type { AnyMessages } from "../contract.ts";
import { RedisPubSubBackend, type RedisPubSubBackendOptions } from "./redis-pubsub-backend.ts";

/** Where the server is, and what keeps this application apart from others on it. There is no default for either. */
export interface RedisPubSubLayerOptions
  extends ChannelLayerOptions,
    Omit<RedisPubSubBackendOptions, "probePrefix"> {}

/**
 * A channel layer across processes and machines, over the pub/sub of one Redis server.
 *
 * Fast, and without memory: what is sent while a node's connection is down is lost to that node, and its channels get a
 * gap when the connection is back: one for each group that they are in, and one without a group for direct sends. What
 * that node sends waits half a second for the connection, then rejects with {@link LayerUnavailableError}.
 *
 * A node subscribes to a group while it has members of it, and payloads are plain msgpack under the names that
 * channels_redis' `RedisPubSubChannelLayer` uses: a Django or Fast Channels process with the same `prefix` shares the
 * groups.
 *
 * @example
 * const chat = new RedisPubSubLayer<RoomMessages>({ url: "redis://localhost:6379", prefix: "chat" });
 * await chat.ready(); // rejects, naming the address, if Redis does not answer
 */
export class RedisPubSubLayer<M = AnyMessages> extends ChannelLayer<M> {
  /**
   * Connects to nothing yet.
   *
   * @throws {TypeError} if the URL is not that of a Redis server.
   * @throws {InvalidNameError} if the prefix breaks its rule.
   */
  constructor(options: RedisPubSubLayerOptions) {
    super(new RedisPubSubBackend({ ...options, probePrefix: options.prefix }), options);
  }
}
