import type { Figures } from "../harness/results.ts";
import type { Load } from "./load/traffic.ts";
import { busy, type Growth, idle, type Sending, size, usualStep } from "./plan.ts";
import type { System } from "./system.ts";

/** The duration of the warm-up. V8 takes most of a second to optimise the code. */
const warmUpMs = 1_200;

/** The query of a connection in `count` rooms. */
const roomsFrom = (first: number, count = 1) => `first=${first}&count=${count}`;
const quietRoom = roomsFrom(99_999);
const bystanderRoom = 99_998;

/** Yields the figures of each way of sending to a room. @param ms the duration of each measurement */
export async function* measureSendings(
  system: System,
  room: number,
  sendings: readonly Sending[],
  ms: number,
): AsyncGenerator<readonly [Sending, Figures]> {
  const { clients, bystander, port, protocol } = system;
  await clients.call("open", room, roomsFrom(0), true);
  await bystander.call("join", port, protocol, roomsFrom(bystanderRoom), bystanderRoom);
  const base = { rooms: 1, size, ms };
  await clients.call("send", { ...base, ...busy(1), ms: warmUpMs });
  for (const sending of sendings) {
    await bystander.call("start");
    const figures = await measureLoad(system, { ...base, ...sending });
    await bystander.call("stop");
    yield [sending, { ...figures, ...(await echoes(system)) }];
  }
}

async function echoes({ bystander }: System): Promise<Figures> {
  const { missing, p50Ms, p99Ms } = await bystander.call("figures");
  const failure = await bystander.call("failure");
  if (failure !== undefined) throw new Error(`The bystander: ${failure}`);
  if (missing > 0) throw new Error(`The bystander did not receive ${missing} echoes.`);
  return { bystanderP50Ms: p50Ms, bystanderP99Ms: p99Ms };
}

/** Yields the figures of the `steps` that need at most `most` connections. */
export async function* measureGrowth(
  system: System,
  growth: Growth,
  steps: readonly number[],
  ms: number,
  most: number,
): AsyncGenerator<readonly [step: number, Figures]> {
  for (const step of steps) {
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
 * @param most the maximum number of connections at once
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
  const redisBefore = await system.redisMicros();
  await system.startMeters();
  const { deliveries, seconds, p50Ms, p99Ms } = await system.clients.call("send", load);
  const { cpuMicros, loopP99Ms, io } = await system.stopMeters();
  const redisAfter = await system.redisMicros();
  return {
    ...{ perSecond: deliveries / seconds, cpu: cpuMicros / deliveries, p50Ms, p99Ms, loopP99Ms },
    ...(io !== undefined && system.countsWrites ? { framesPerWrite: deliveries / io.writes } : {}),
    ...(redisBefore === undefined || redisAfter === undefined
      ? {}
      : { redis: (redisAfter - redisBefore) / deliveries }),
  };
}
