import type { Redis } from "ioredis";

/** How topics are carried by a server: over channels that all know, or over those of one shard of a cluster. */
export interface PubSubCommands {
  /** What publishes inside a script. */
  readonly name: "PUBLISH" | "SPUBLISH";
  /** @returns how many connections to this server it reached */
  publish(redis: Redis, topic: string, payload: Buffer | string): Promise<number>;
  subscribe(redis: Redis, topics: readonly string[]): Promise<unknown>;
  unsubscribe(redis: Redis, topics: readonly string[]): Promise<unknown>;
  /** Whether one command may hold names of any slots. */
  readonly takesManySlots: boolean;
  /** What ioredis calls the event of a payload that comes in. */
  readonly event: "messageBuffer" | "smessageBuffer";
}

export const pubSub: PubSubCommands = {
  name: "PUBLISH",
  publish: (redis, topic, payload) => redis.publish(topic, payload),
  subscribe: (redis, topics) => redis.subscribe(...topics),
  unsubscribe: (redis, topics) => redis.unsubscribe(...topics),
  takesManySlots: true,
  event: "messageBuffer",
};

/** One command takes names of one slot only, so each name has its own; those of one turn travel together. */
export const shardedPubSub: PubSubCommands = {
  name: "SPUBLISH",
  publish: async (redis, topic, payload) => Number(await redis.spublish(topic, payload)),
  subscribe: (redis, topics) => Promise.all(topics.map((topic) => redis.ssubscribe(topic))),
  unsubscribe: (redis, topics) => Promise.all(topics.map((topic) => redis.sunsubscribe(topic))),
  takesManySlots: false,
  event: "smessageBuffer",
};
