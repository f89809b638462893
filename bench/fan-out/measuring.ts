import type { Load } from "./load/traffic.ts";
import { type Growth, idle, members, type Sending, sendings, size } from "./plan.ts";
import type { System } from "./system.ts";

/** What one measurement gave. CPU is in microseconds per delivery. */
export interface SendFigures {
  readonly perSecond: number;
  readonly cpu: number;
  readonly redis: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** What connections cost: CPU to open and close one, in microseconds, and what one that does nothing keeps, in KiB. */
export interface IdleFigures {
  readonly connect: number;
  readonly perSecond: number;
  readonly rss: number;
  readonly heap: number;
}

/** How long is sent before anything is measured, so that what runs is what V8 has optimised: it takes most of a second. */
const warmUpMs = 1_200;

/** A room, and nothing in it that was not asked for. */
const aRoom = { first: 0, count: 1, isMember: true } as const;
/** To which nothing is sent. */
const otherRoom = { first: 99_999, count: 1, isMember: false } as const;

/** Yields what each way of sending costs. @param ms how long is sent in each */
export async function* measureSendings(
  system: System,
  ways: readonly Sending[],
  ms: number,
): AsyncGenerator<readonly [Sending, SendFigures]> {
  await system.open(members, aRoom);
  const base = { rooms: 1, size, ms };
  await system.run({ ...base, ...sendings.burst, ms: warmUpMs });
  for (const sending of ways) {
    yield [sending, await measureLoad(system, { ...base, ...sending })];
  }
}

/** Yields what a delivery costs at each step that there can be. */
export async function* measureGrowth(
  system: System,
  growth: Growth,
  { ms, most }: { readonly ms: number; readonly most: number },
): AsyncGenerator<readonly [step: number, SendFigures]> {
  for (const step of growth.steps) {
    const { members, others, load } = growth.at(step);
    if (members + others > most) continue;
    await system.closeAll();
    await system.open(members, { ...aRoom, count: load.rooms });
    await system.open(others, otherRoom);
    // At each step: messages may go another way than at the one before, which V8 has to find out.
    await system.run({ ...load, ms: warmUpMs });
    yield [step, await measureLoad(system, { ...load, ms })];
  }
}

/** @param most how many connections there can be */
export async function measureIdle(system: System, most: number): Promise<IdleFigures> {
  await system.churn(idle.warmUp, idle.atOnce);
  const connections = Math.min(idle.connections, most);
  const before = await system.memory();
  await system.open(connections, { ...aRoom, isMember: false });
  const after = await system.memory();
  await system.closeAll();
  const cpuBefore = await system.cpuMicros();
  const seconds = await system.churn(idle.churned, idle.atOnce);
  const cpu = (await system.cpuMicros()) - cpuBefore;
  return {
    connect: cpu / idle.churned,
    perSecond: idle.churned / seconds,
    rss: (after.rssBytes - before.rssBytes) / connections / 1_024,
    heap: (after.heapBytes - before.heapBytes) / connections / 1_024,
  };
}

async function measureLoad(system: System, load: Omit<Load, "stride">): Promise<SendFigures> {
  const [before, redisBefore] = [await system.cpuMicros(), await system.redisMicros()];
  const { deliveries, seconds, p50Ms, p99Ms } = await system.run(load);
  const [after, redisAfter] = [await system.cpuMicros(), await system.redisMicros()];
  return {
    perSecond: deliveries / seconds,
    cpu: (after - before) / deliveries,
    redis: (redisAfter - redisBefore) / deliveries,
    p50Ms,
    p99Ms,
  };
}
