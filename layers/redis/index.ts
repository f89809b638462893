export type { ByCluster } from "./cluster-backend.ts";
export type { ByHosts } from "./hosts-backend.ts";
export type { PublishQueueOptions } from "./publish-queue.ts";
export type { PubSubOptions } from "./pubsub-settings.ts";
export type { RedisFactory } from "./redis-factory.ts";
export { RedisPubSubBackend, type RedisPubSubBackendOptions } from "./redis-pubsub-backend.ts";
export { RedisPubSubLayer, type RedisPubSubLayerOptions } from "./redis-pubsub-layer.ts";
export type { ByUrl, RedisConnectionOptions } from "./redis-server.ts";
export {
  RedisStreamsBackend,
  type RedisStreamsBackendOptions,
  type StreamOptions,
} from "./redis-streams-backend.ts";
export { RedisStreamsLayer, type RedisStreamsLayerOptions } from "./redis-streams-layer.ts";
export type {
  ByClient,
  BySentinels,
  RedisAddress,
  RedisPlace,
} from "./servers.ts";
export type { RedisPlaces } from "./spread.ts";
