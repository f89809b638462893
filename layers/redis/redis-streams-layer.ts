import { ChannelLayer } from "../channel-layer.ts";
import type { ChannelLayerOptions } from "../channel-layer-options.ts";
import type { AnyMessages } from "../contract.ts";
import type { PubSubOptions } from "./pubsub-settings.ts";
import { RedisStreamsBackend, type StreamOptions } from "./redis-streams-backend.ts";
import type { RedisPlace } from "./servers.ts";

/** Where the server is, what keeps this application apart from others on it, and how much is kept. */
export type RedisStreamsLayerOptions = ChannelLayerOptions &
  RedisPlace &
  Omit<PubSubOptions, "probePrefix"> &
  StreamOptions;

/**
 * A channel layer across processes and machines, over streams of one Redis server: what is sent to a group reaches each
 * member that stays once, also after its node was cut off, as long as the group's history has it; and a member hears of
 * a gap, with the offsets that are missing where they are known, where it has not.
 *
 * {@link ChannelLayer.history} gives the history to whoever comes late or back, and deliveries say their place in it.
 * Direct sends are carried as by `RedisPubSubLayer`: at most once. Redis 6 or newer is needed.
 *
 * @example
 * const chat = new RedisStreamsLayer<RoomMessages>({ url: "redis://localhost:6379", prefix: "chat", capacity: 500 });
 * const { entries, position, complete } = await chat.history("room_general", { since: lastSeen });
 */
export class RedisStreamsLayer<M = AnyMessages> extends ChannelLayer<M> {
  /**
   * Connects to nothing yet.
   *
   * @throws {TypeError} unless it is said in one way where the server is.
   * @throws {InvalidNameError} if the prefix breaks its rule.
   * @throws {InvalidOptionError} for a capacity or expiry that makes no sense.
   * @throws {RangeError} for another number that makes no sense.
   */
  constructor(options: RedisStreamsLayerOptions) {
    super(new RedisStreamsBackend({ ...options, probePrefix: options.prefix }), options);
  }
}
