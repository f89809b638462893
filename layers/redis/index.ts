export { RedisPubSubBackend, type RedisPubSubBackendOptions } from "./redis-pubsub-backend.ts";
export { RedisPubSubLayer, type RedisPubSubLayerOptions } from "./redis-pubsub-layer.ts";
export type { RedisServerOptions } from "./redis-server.ts";
