import type { Figures } from "../harness/results.ts";
import type { Load } from "./load/traffic.ts";
import { type Growth, idle, members, type SendingName, sendings, size, usualStep } from "./plan.ts";
import type { System } from "./system.ts";

/** The duration of the warm-up. V8 takes most of a second to optimise the code. */
const warmUpMs = 1_200;

/** The query of a connection in `count` rooms. */
const roomsFrom = (first: number, count = 1) => `first=${first}&count=${count}`;
const quietRoom = roomsFrom(99_999);

/** Yields the figures of each way of sending. @param ms the duration of each measurement */
export async function* measureSendings(
  system: System,
  names: readonly SendingName[],
  ms: number,
): AsyncGenerator<readonly [SendingName, Figures]> {
  await system.clients.call("open", members, roomsFrom(0), true);
  const base = { rooms: 1, size, ms };
  await system.clients.call("send", { ...base, ...sendings.burst, ms: warmUpMs });
  for (const name of names) yield [name, await measureLoad(system, { ...base, ...sendings[name] })];
}

/** Yields the figures of each step that needs at most `most` connections. */
export async function* measureGrowth(
  system: System,
  growth: Growth,
  ms: number,
  most: number,
): AsyncGenerator<readonly [step: number, Figures]> {
  for (const step of growth.steps) {
    const { members, others, ...load } = { ...usualStep, ...growth.at(step) };
    if (members + others > most) continue;
    await system.clients.call("closeAll");
    await system.clients.call("open", members, roomsFrom(0, load.rooms), true);
    await system.clients.call("open", others, quietRoom, false);
    // Warms up at each step, because V8 may have to optimise another code path.
    await system.clients.call("send", { ...load, ms: warmUpMs });
    yield [step, await measureLoad(system, { ...load, ms })];
  }
}

/**
 * Measures the CPU to open and close a connection, in microseconds, and the memory of an idle one, in KiB.
 *
 * @param most the most connections at once
 */
export async function measureIdle(system: System, most: number): Promise<Figures> {
  await system.clients.call("churn", idle.warmUp, roomsFrom(0), idle.atOnce);
  const [server] = system.servers;
  const connections = Math.min(idle.connections, most);
  const before = await server.call("memory");
  await system.clients.call("open", connections, roomsFrom(0), false);
  const after = await server.call("memory");
  await system.clients.call("closeAll");
  const cpuBefore = await system.cpuMicros();
  const seconds = await system.clients.call("churn", idle.churned, roomsFrom(0), idle.atOnce);
  return {
    connect: ((await system.cpuMicros()) - cpuBefore) / idle.churned,
    perSecond: idle.churned / seconds,
    rss: (after.rssBytes - before.rssBytes) / connections / 1_024,
    heap: (after.heapBytes - before.heapBytes) / connections / 1_024,
  };
}

/** Measures a load. The CPU is in microseconds per delivery. */
async function measureLoad(system: System, load: Load): Promise<Figures> {
  const [before, redisBefore] = [await system.cpuMicros(), await system.redisMicros()];
  const { deliveries, seconds, p50Ms, p99Ms } = await system.clients.call("send", load);
  const [after, redisAfter] = [await system.cpuMicros(), await system.redisMicros()];
  const figures = { perSecond: deliveries / seconds, cpu: (after - before) / deliveries, p50Ms, p99Ms };
  if (redisBefore === undefined || redisAfter === undefined) return figures;
  return { ...figures, redis: (redisAfter - redisBefore) / deliveries };
}
