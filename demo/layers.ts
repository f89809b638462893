import { MemoryBus, MemoryLayer } from "greenroom";
import { RedisPubSubLayer, RedisStreamsLayer } from "greenroom/redis";
import type { RoomMessages } from "./consumers/room.ts";
import type { AnalyticsMessages } from "./consumers/showcase/analytics.ts";
import type { ChatMessages } from "./consumers/showcase/chat.ts";
import type { NotificationMessages } from "./consumers/showcase/notifications.ts";
import type { ReliableMessages } from "./consumers/showcase/reliable.ts";
import type { TalkMessages } from "./consumers/talk.ts";
import type { Job, JobMessages } from "./jobs/job.ts";

const minuteMs = 60_000;

const queueLimits = { capacity: 1_000, expiryMs: 15 * minuteMs };
const analyticsLimits = { capacity: 5_000, expiryMs: 60 * minuteMs };
const roomLimits = { capacity: 500, expiryMs: 24 * 60 * minuteMs };

type Chat = RoomMessages & ChatMessages & JobMessages;
type Queue = ReliableMessages & JobMessages & { job: Job };

/**
 * The demo's layers. With `redisUrl` they are on that Redis server, so that several processes share rooms and
 * jobs. Without `redisUrl` they are in memory.
 */
export function createLayers(redisUrl: string | undefined) {
  return redisUrl === undefined ? inMemory() : onRedis(redisUrl);
}

export type DemoLayers = ReturnType<typeof createLayers>;

function inMemory() {
  return {
    memory: new MemoryLayer(),
    chat: new MemoryLayer<Chat>(),
    queue: new MemoryLayer<Queue>({ bus: new MemoryBus(queueLimits), prefix: "queue", history: true }),
    notifications: new MemoryLayer<NotificationMessages>(),
    analytics: new MemoryLayer<AnalyticsMessages>({
      bus: new MemoryBus(analyticsLimits),
      prefix: "analytics",
      history: true,
    }),
    rooms: new MemoryLayer<TalkMessages>({ bus: new MemoryBus(roomLimits), prefix: "rooms", history: true }),
    state: new MemoryLayer({ prefix: "state" }),
  };
}

function onRedis(url: string) {
  return {
    memory: new MemoryLayer(),
    chat: new RedisPubSubLayer<Chat>({ url, prefix: "chat" }),
    queue: new RedisStreamsLayer<Queue>({ url, prefix: "queue", ...queueLimits }),
    notifications: new RedisPubSubLayer<NotificationMessages>({ url, prefix: "notify" }),
    analytics: new RedisStreamsLayer<AnalyticsMessages>({ url, prefix: "analytics", ...analyticsLimits }),
    rooms: new RedisStreamsLayer<TalkMessages>({ url, prefix: "rooms", ...roomLimits }),
    state: new RedisStreamsLayer({ url, prefix: "state" }),
  };
}
