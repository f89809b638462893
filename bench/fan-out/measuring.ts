import type { Figures } from "../harness/results.ts";
import type { Load } from "./load/traffic.ts";
import { type Growth, idle, members, type SendingName, sendings, size } from "./plan.ts";
import type { System } from "./system.ts";

/** The time before a measurement: V8 takes most of a second to optimise what is measured. */
const warmUpMs = 1_200;

const room = { first: 0, count: 1, isMember: true } as const;
/** No message goes to it. */
const quietRoom = { first: 99_999, count: 1, isMember: false } as const;

/** Yields the figures of each way of sending. @param ms the duration of each */
export async function* measureSendings(
  system: System,
  names: readonly SendingName[],
  ms: number,
): AsyncGenerator<readonly [SendingName, Figures]> {
  await system.open(members, room);
  const base = { rooms: 1, size, ms };
  await system.send({ ...base, ...sendings.burst, ms: warmUpMs });
  for (const name of names) yield [name, await measureLoad(system, { ...base, ...sendings[name] })];
}

/** Yields the figures of each step that `most` connections allow. */
export async function* measureGrowth(
  system: System,
  growth: Growth,
  ms: number,
  most: number,
): AsyncGenerator<readonly [step: number, Figures]> {
  for (const step of growth.steps) {
    const { members, others, load } = growth.at(step);
    if (members + others > most) continue;
    await system.closeAll();
    await system.open(members, { ...room, count: load.rooms });
    await system.open(others, quietRoom);
    // At each step, because messages may take another path than before, which V8 has to optimise.
    await system.send({ ...load, ms: warmUpMs });
    yield [step, await measureLoad(system, { ...load, ms })];
  }
}

/** Microseconds of CPU to open and close a connection, and KiB of an idle one. @param most connections at once */
export async function measureIdle(system: System, most: number): Promise<Figures> {
  await system.churn(idle.warmUp, idle.atOnce);
  const connections = Math.min(idle.connections, most);
  const before = await system.memory();
  await system.open(connections, { ...room, isMember: false });
  const after = await system.memory();
  await system.closeAll();
  const cpuBefore = await system.cpuMicros();
  const seconds = await system.churn(idle.churned, idle.atOnce);
  return {
    connect: ((await system.cpuMicros()) - cpuBefore) / idle.churned,
    perSecond: idle.churned / seconds,
    rss: (after.rssBytes - before.rssBytes) / connections / 1_024,
    heap: (after.heapBytes - before.heapBytes) / connections / 1_024,
  };
}

/** CPU is in microseconds per delivery. */
async function measureLoad(system: System, load: Omit<Load, "stride">): Promise<Figures> {
  const [before, redisBefore] = [await system.cpuMicros(), await system.redisMicros()];
  const { deliveries, seconds, p50Ms, p99Ms } = await system.send(load);
  const [after, redisAfter] = [await system.cpuMicros(), await system.redisMicros()];
  const figures = { perSecond: deliveries / seconds, cpu: (after - before) / deliveries, p50Ms, p99Ms };
  if (redisBefore === undefined || redisAfter === undefined) return figures;
  return { ...figures, redis: (redisAfter - redisBefore) / deliveries };
}
