import type { Redis } from "ioredis";

/** How topics are carried by a server: over channels that all know, or over those of one shard of a cluster. */
export interface PubSubCommands {
  /** @returns how many connections to this server it reached */
  publish(redis: Redis, topic: string, payload: Buffer | string): Promise<number>;
  subscribe(redis: Redis, topics: readonly string[]): Promise<unknown>;
  unsubscribe(redis: Redis, topics: readonly string[]): Promise<unknown>;
  /** What ioredis calls the event of a payload that comes in. */
  readonly event: "messageBuffer" | "smessageBuffer";
}

export const pubSub: PubSubCommands = {
  publish: (redis, topic, payload) => redis.publish(topic, payload),
  subscribe: (redis, topics) => redis.subscribe(...topics),
  unsubscribe: (redis, topics) => redis.unsubscribe(...topics),
  event: "messageBuffer",
};

/** One command takes topics of one slot only, so each topic has its own; those of one turn travel together. */
export const shardedPubSub: PubSubCommands = {
  publish: async (redis, topic, payload) => Number(await redis.spublish(topic, payload)),
  subscribe: (redis, topics) => Promise.all(topics.map((topic) => redis.ssubscribe(topic))),
  unsubscribe: (redis, topics) => Promise.all(topics.map((topic) => redis.sunsubscribe(topic))),
  event: "smessageBuffer",
};
