import { Redis } from "ioredis";
import { until } from "../../layers/support/until.ts";
import type { RedisServer } from "../../support/redis.ts";

/** Harm to the Redis of a program. At the end, Redis works again, perhaps without its data. */
export type Outage = (redis: RedisServer) => Promise<void>;

const command =
  (work: (client: Redis) => Promise<unknown>): Outage =>
  async ({ url }) => {
    const client = new Redis(url);
    try {
      await work(client);
    } finally {
      client.disconnect();
    }
  };

/** The channels that the program has subscribed to. */
const channelsOf = async (client: Redis) => (await client.pubsub("CHANNELS")) as string[];

export const outages: Readonly<Record<string, Outage>> = {
  "a Redis that is frozen for a second": async (redis) => {
    await redis.pause();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await redis.resume();
  },
  "the loss of all its subscriptions": command((client) => client.call("CLIENT", "KILL", "TYPE", "pubsub")),
  "the loss of its subscriptions while it subscribes again": command(async (client) => {
    await client.call("CLIENT", "KILL", "TYPE", "pubsub");
    await until(async () => (await channelsOf(client)).length > 0);
    await client.call("CLIENT", "KILL", "TYPE", "pubsub");
  }),
  "the loss of all its connections": command((client) =>
    client.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"),
  ),
  "the loss of all keys": command((client) => client.flushall()),
  "garbage on all its channels": command(async (client) => {
    const garbage = [
      Buffer.alloc(5_000, 0x91),
      Buffer.from("\xc1"),
      Buffer.alloc(0),
      Buffer.from([0x81, 0xa4]),
    ];
    for (const channel of await channelsOf(client)) {
      for (const bytes of garbage) await client.publish(channel, bytes);
      // A map with a type that the consumers do not know, and one of XState.
      await client.publish(channel, Buffer.from("81a474797065a7756e6b6e6f776e", "hex"));
      await client.publish(channel, Buffer.from("81a474797065ab7873746174652e73746f70", "hex"));
    }
  }),
};
