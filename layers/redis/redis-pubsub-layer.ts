import { ChannelLayer } from "../channel-layer.ts";
import type { ChannelLayerOptions } from "../channel-layer-options.ts";
import type { AnyMessages, Backend } from "../contract.ts";
import { type ByCluster, ClusterBackend } from "./cluster-backend.ts";
import { HostsBackend } from "./hosts-backend.ts";
import type { PubSubOptions } from "./pubsub-settings.ts";
import { RedisPubSubBackend } from "./redis-pubsub-backend.ts";
import { type RedisPlace, ways } from "./servers.ts";

/**
 * Several servers that know nothing of each other. Every node must name the same ones, in any order: host and port as
 * they are written decide on which of them a group lives.
 */
export interface ByHosts {
  /** Their URLs, as {@link ByUrl} describes them. */
  readonly hosts: readonly string[];
}

/** Where the server is, and what keeps this application apart from others on it. There is no default for either. */
export type RedisPubSubLayerOptions = ChannelLayerOptions &
  Omit<PubSubOptions, "probePrefix"> &
  (RedisPlace | ByHosts | ByCluster);

/**
 * A channel layer across processes and machines, over the pub/sub of one Redis server, of the master that Sentinels
 * agree on, of a Redis Cluster, or of several servers that share the groups out among them.
 *
 * Fast, and without memory: what is sent while a node's connection is down is lost to that node, and its channels get a
 * gap when the connection is back: one for each group that they are in, and one without a group for direct sends. What
 * that node sends waits half a second for the connection, then rejects with {@link LayerUnavailableError}.
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
   * @throws {TypeError} unless it is said in one way where the server is.
   * @throws {RangeError} for a number that makes no sense.
   * @throws {InvalidNameError} if the prefix breaks its rule.
   */
  constructor(options: RedisPubSubLayerOptions) {
    super(backendOf(options), options);
  }
}

function backendOf(options: RedisPubSubLayerOptions): Backend {
  const probePrefix = options.prefix;
  if ("cluster" in options) {
    if (["hosts", ...ways].some((way) => way in options)) {
      throw new TypeError("A cluster stands alone: name no other server beside it.");
    }
    return new ClusterBackend({ ...options, probePrefix });
  }
  if (!("hosts" in options)) return new RedisPubSubBackend({ ...options, probePrefix });
  const { hosts, ...shared } = options;
  if (!Array.isArray(hosts) || hosts.length === 0 || ways.some((way) => way in shared)) {
    throw new TypeError(
      'hosts look like ["redis://one:6379", "redis://two:6379"], and nothing stands beside them.',
    );
  }
  const backends = hosts.map((url) => new RedisPubSubBackend({ ...shared, url, probePrefix }));
  return new HostsBackend(backends.map((backend) => [backend.address, backend]));
}
