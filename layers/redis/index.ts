export { RedisPubSubBackend, type RedisPubSubBackendOptions } from "./redis-pubsub-backend.ts";
export { RedisPubSubLayer, type RedisPubSubLayerOptions } from "./redis-pubsub-layer.ts";
export type { RedisServerOptions } from "./redis-server.ts";
export {
  RedisStreamsBackend,
  type RedisStreamsBackendOptions,
  type StreamOptions,
} from "./redis-streams-backend.ts";
export { RedisStreamsLayer, type RedisStreamsLayerOptions } from "./redis-streams-layer.ts";
