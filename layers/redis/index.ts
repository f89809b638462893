/**
 * Layers on Redis, for applications of several processes. They need the package `ioredis`.
 *
 * @module greenroom/redis
 */
export type { RedisFactory } from "./connection/client-factory.ts";
export type { CredentialsFunction, RedisCredentials } from "./connection/credentials.ts";
export type { CommandQueueOptions, PubSubOptions } from "./connection/pubsub-settings.ts";
export type {
  ByClient,
  BySentinels,
  RedisAddress,
  RedisServerTarget,
} from "./connection/server-address.ts";
export type { ByUrl, RedisConnectionOptions } from "./connection/server-options.ts";
export { RedisPubSubBackend, type RedisPubSubBackendOptions } from "./pubsub/pubsub-backend.ts";
export { RedisPubSubLayer, type RedisPubSubLayerOptions } from "./redis-pubsub-layer.ts";
export { RedisStreamsLayer, type RedisStreamsLayerOptions } from "./redis-streams-layer.ts";
export type { RedisTarget } from "./sharding/create-backend.ts";
export type { ByHosts } from "./sharding/hosts-backend.ts";
export type { ByCluster } from "./sharding/redis-cluster-backend.ts";
export {
  RedisStreamsBackend,
  type RedisStreamsBackendOptions,
  type StreamOptions,
} from "./streams/streams-backend.ts";
