export type { ByCluster } from "./cluster-backend.ts";
export type { PublishQueueOptions } from "./publish-queue.ts";
export {
  type PubSubOptions,
  RedisPubSubBackend,
  type RedisPubSubBackendOptions,
} from "./redis-pubsub-backend.ts";
export { type ByHosts, RedisPubSubLayer, type RedisPubSubLayerOptions } from "./redis-pubsub-layer.ts";
export type { RedisServerOptions } from "./redis-server.ts";
export type {
  ByClient,
  BySentinels,
  ByUrl,
  RedisAddress,
  RedisConnectionOptions,
  RedisFactory,
  RedisPlace,
} from "./servers.ts";
