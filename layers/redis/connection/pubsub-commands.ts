import type { Redis } from "ioredis";

export interface PubSubCommands {
  /** The name of the command with which scripts publish. */
  readonly name: "PUBLISH" | "SPUBLISH";
  readonly subscribeName: "SUBSCRIBE" | "SSUBSCRIBE";
  /** Returns how many connections of this server received the payload. */
  publish(redis: Redis, topic: string, payload: Buffer | string): Promise<number>;
  subscribe(redis: Redis, topics: readonly string[]): Promise<unknown>;
  unsubscribe(redis: Redis, topics: readonly string[]): Promise<unknown>;
  /** Returns how many connections of this server are subscribed to `topic`. */
  count(redis: Redis, topic: string): Promise<number>;
  /** Whether one command may name keys of several slots. */
  readonly takesManySlots: boolean;
  readonly event: "messageBuffer" | "smessageBuffer";
}

export const pubSub: PubSubCommands = {
  name: "PUBLISH",
  subscribeName: "SUBSCRIBE",
  publish: (redis, topic, payload) => redis.publish(topic, payload),
  subscribe: (redis, topics) => redis.subscribe(...topics),
  unsubscribe: (redis, topics) => redis.unsubscribe(...topics),
  count: async (redis, topic) => Number((await redis.pubsub("NUMSUB", topic))[1]),
  takesManySlots: true,
  event: "messageBuffer",
};

/** Sends one command per topic, because all topics of a command must be in one slot. */
export const shardedPubSub: PubSubCommands = {
  name: "SPUBLISH",
  subscribeName: "SSUBSCRIBE",
  publish: async (redis, topic, payload) => Number(await redis.spublish(topic, payload)),
  subscribe: (redis, topics) => Promise.all(topics.map((topic) => redis.ssubscribe(topic))),
  unsubscribe: (redis, topics) => Promise.all(topics.map((topic) => redis.sunsubscribe(topic))),
  count: async (redis, topic) => Number((await redis.pubsub("SHARDNUMSUB", topic))[1]),
  takesManySlots: false,
  event: "smessageBuffer",
};
