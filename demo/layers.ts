import { MemoryLayer } from "greenroom";
import { RedisPubSubLayer } from "greenroom/redis";
import type { RoomMessages } from "./consumers/room.ts";

/** The demo's layers: in memory, or on the Redis at `redisUrl`, so that several processes share rooms. */
export function createLayers(redisUrl: string | undefined) {
  if (redisUrl === undefined) return { chat: new MemoryLayer<RoomMessages>() };
  return { chat: new RedisPubSubLayer<RoomMessages>({ url: redisUrl, prefix: "chat" }) };
}
