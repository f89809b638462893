import type { Redis } from "ioredis";

/** Returns the time of the server's clock, in milliseconds since 1970. */
export async function serverTime(redis: Redis): Promise<number> {
  const [seconds, microseconds] = await redis.time();
  return Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000);
}
