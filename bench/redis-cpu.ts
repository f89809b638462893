import type { Redis } from "ioredis";

/** The CPU time that the server has used since it started, in microseconds. */
export async function redisCpuMicros(redis: Redis): Promise<number> {
  const info = await redis.info("cpu");
  const seconds = (kind: string) => Number(new RegExp(`^used_cpu_${kind}:(.+)`, "m").exec(info)?.[1]);
  return (seconds("user") + seconds("sys")) * 1e6;
}
