import type { Redis } from "ioredis";
import type { PubSubCommands } from "../../../../layers/redis/connection/pubsub-commands.ts";
import type { PubSubOptions } from "../../../../layers/redis/connection/pubsub-settings.ts";
import { RedisPubSubLayer, RedisStreamsLayer, type RedisTarget } from "../../../../layers/redis/index.ts";
import { queueKeys } from "../../../../layers/redis/jobs/queue-scripts.ts";
import { streamNames } from "../../../../layers/redis/streams/stream-format.ts";
import { publishEntries } from "../../../../layers/redis/streams/stream-scripts.ts";
import { describeSealed } from "../../support/describe-sealed.ts";

/** The target that the layers run on, and how another program reaches its servers. */
export interface RedisStage {
  target(): RedisTarget & PubSubOptions;
  /** A client of every server. */
  clients(): readonly Redis[];
  /** The one of them for the server where a name of Redis lives. */
  clientOf(key: string): Redis;
  readonly commands: PubSubCommands;
}

const nothingKept = "pub/sub keeps nothing";

/** Runs the suite for both layers on Redis, with and without encryption. */
export function describeRedisLayers({ target, clients, clientOf, commands }: RedisStage): void {
  const publish = (topic: string, payload: Uint8Array) =>
    commands.publish(clientOf(topic), topic, Buffer.from(payload));
  const cut = () => Promise.all(clients().map((client) => client.call("CLIENT", "KILL", "TYPE", "pubsub")));

  describeSealed("RedisPubSubLayer", {
    startNode: (world, options) => new RedisPubSubLayer({ ...options, ...target(), prefix: world }),
    publish,
    cut,
    lacks: { recovery: nothingKept, history: nothingKept, queues: nothingKept },
  });

  describeSealed("RedisStreamsLayer", {
    startNode: (world, options) => new RedisStreamsLayer({ ...options, ...target(), prefix: world }),
    publish: (topic, payload) => {
      if (!topic.includes("__group__")) return publish(topic, payload);
      const names = streamNames(topic);
      return publishEntries(clientOf(names.channel), {
        names,
        payloads: [Buffer.from(payload)],
        limit: { capacity: 100, expiryMs: 60_000 },
        command: commands.name,
      });
    },
    enqueue: (queue, payload) => {
      const { stream, tag } = queueKeys(queue);
      return clientOf(tag).xadd(stream, "*", "payload", Buffer.from(payload));
    },
    cut,
    lacks: { gap: "what a broken connection leaves out is read from the stream" },
  });
}
