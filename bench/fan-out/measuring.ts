import type { Load } from "./load/traffic.ts";
import type { System } from "./system.ts";

/** What one measurement gave. CPU is in microseconds per delivery. */
export interface SendFigures {
  readonly perSecond: number;
  readonly cpu: number;
  readonly redis: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Reads how much CPU Redis has used so far, in microseconds. */
export type RedisCpu = () => Promise<number>;

/** @param redisCpu gives 0 where there is none */
export async function measureSending(
  system: System,
  load: Omit<Load, "stride">,
  redisCpu: RedisCpu,
): Promise<SendFigures> {
  const [before, redisBefore] = [await system.cpuMicros(), await redisCpu()];
  const { deliveries, seconds, p50Ms, p99Ms } = await system.run(load);
  const [after, redisAfter] = [await system.cpuMicros(), await redisCpu()];
  return {
    perSecond: deliveries / seconds,
    cpu: (after - before) / deliveries,
    redis: (redisAfter - redisBefore) / deliveries,
    p50Ms,
    p99Ms,
  };
}
