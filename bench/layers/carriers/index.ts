import type { Carrier } from "./carrier.ts";

/** All rows with the titles that tables show. Peers are loaded only when they are measured. */
export const carriers = {
  bytes: {
    title: "ioredis, bytes (control)",
    open: async (url) => (await import("./bare-ioredis.ts")).bareBytes(url),
  },
  pubsub: { title: "`RedisPubSubLayer`", open: async (url) => (await import("./layers.ts")).pubSub(url) },
  encrypted: {
    title: "`RedisPubSubLayer`, encrypted",
    open: async (url) => (await import("./layers.ts")).encryptedPubSub(url),
  },
  streams: { title: "`RedisStreamsLayer`", open: async (url) => (await import("./layers.ts")).streams(url) },
  memory: { title: "`MemoryLayer`", open: async () => (await import("./layers.ts")).memory() },
  text: { title: "ioredis, text", open: async (url) => (await import("./bare-ioredis.ts")).bareText(url) },
  "socket-io-pubsub": {
    title: "`@socket.io/redis-adapter`",
    open: async (url) => (await import("./socket-io.ts")).socketIoPubSub(url),
  },
  "socket-io-streams": {
    title: "`@socket.io/redis-streams-adapter`",
    open: async (url) => (await import("./socket-io.ts")).socketIoStreams(url),
  },
} as const satisfies Record<string, { readonly title: string; open(url: string): Promise<Carrier> }>;

export type CarrierName = keyof typeof carriers;
export const carrierNames = Object.keys(carriers) as readonly CarrierName[];
export const carrierTitles: Readonly<Record<string, string>> = Object.fromEntries(
  carrierNames.map((name) => [name, carriers[name].title]),
);
