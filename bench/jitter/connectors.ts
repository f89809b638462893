import { createAdapter } from "@socket.io/redis-streams-adapter";
import { Redis } from "ioredis";
import { MemoryLayer } from "../../index.ts";
import { RedisPubSubLayer, RedisStreamsLayer } from "../../layers/redis/index.ts";

const prefix = "news";

/** The layer or the adapter that connects the servers of an app, by name. */
export const connectors = {
  none: () => undefined,
  memory: () => new MemoryLayer(),
  pubsub: (url: string) => new RedisPubSubLayer({ url, prefix }),
  streams: (url: string) => new RedisStreamsLayer({ url, prefix }),
  adapter: (url: string) => createAdapter(new Redis(url)),
};
