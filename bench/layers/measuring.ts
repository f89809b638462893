import type { BenchRedis } from "../harness/redis.ts";
import type { Figures } from "../harness/results.ts";
import { WorkerProcess } from "../harness/worker-process.ts";
import type { CarrierName } from "./carriers/index.ts";
import type { Joins, NodeTasks, Room } from "./node.ts";
import type { Load } from "./publishing.ts";

export interface BenchEnvironment {
  readonly redis: BenchRedis;
  readonly profiles: string | undefined;
}

/** Enough messages to let V8 optimise the measured code. */
const warmUpMessages = 10_000;
const warmUpJoins: Joins = { joins: 2_000, atOnce: 1_000 };

export function startNode(label: string, profiles?: string): WorkerProcess<NodeTasks> {
  return new WorkerProcess(new URL("node.ts", import.meta.url), { profiles, label });
}

/** Yields the figures of each load. CPU is in microseconds per message. One process publishes to another. */
export async function* measureSending(
  carrier: CarrierName,
  room: Room,
  loads: readonly Load[],
  { redis, profiles }: BenchEnvironment,
): AsyncGenerator<[Load, Figures]> {
  await redis.client.flushall();
  const start = (role: string) => startNode([carrier, room.groups, room.members, role].join("-"), profiles);
  const publisher = start("publisher");
  // The memory layer works only within one process, which then publishes and receives.
  const receiver = carrier === "memory" ? publisher : start("receiver");
  const measure = async (load: Load): Promise<Figures> => {
    const redisBefore = await redis.cpuMicros();
    await receiver.call("expect", load.messages);
    const sent = await publisher.call("publish", room, load);
    const { cpuMicros, p50Ms, p99Ms } = await receiver.call("arrived");
    const perMessage = (micros: number) => micros / load.messages;
    const publisherMicros = perMessage(sent.cpuMicros);
    const shared = { perSecond: load.messages / sent.seconds, publisher: publisherMicros, p50Ms, p99Ms };
    if (receiver === publisher) return { ...shared, sum: publisherMicros };
    const redisMicros = perMessage((await redis.cpuMicros()) - redisBefore);
    const receiverMicros = perMessage(cpuMicros);
    const sum = publisherMicros + receiverMicros + redisMicros;
    return { ...shared, receiver: receiverMicros, redis: redisMicros, sum, redisCarries: 1e6 / redisMicros };
  };
  try {
    const port = await publisher.call("open", carrier, redis.url);
    if (receiver !== publisher) await receiver.call("open", carrier, redis.url);
    await receiver.call("join", room, port);
    await publisher.call("greet");
    await measure({
      messages: Math.max(warmUpMessages, ...loads.map((load) => load.messages)),
      inFlight: 100,
    });
    for (const load of loads) yield [load, await measure(load)];
  } finally {
    await Promise.all([publisher.close(), receiver.close()]);
  }
}

/** Yields the figures of joins by one process. CPU is in microseconds per join. */
export async function* measureJoining(
  carrier: CarrierName,
  loads: readonly Joins[],
  { redis, profiles }: BenchEnvironment,
): AsyncGenerator<[Joins, Figures]> {
  await redis.client.flushall();
  const node = startNode(`${carrier}-joins`, profiles);
  try {
    await node.call("open", carrier, redis.url);
    await node.call("joinMany", warmUpJoins);
    for (const load of loads) {
      const redisBefore = await redis.cpuMicros();
      const { cpuMicros, seconds } = await node.call("joinMany", load);
      const redisMicros = ((await redis.cpuMicros()) - redisBefore) / load.joins;
      const nodeMicros = cpuMicros / load.joins;
      yield [load, { perSecond: load.joins / seconds, node: nodeMicros, redis: redisMicros }];
    }
  } finally {
    await node.close();
  }
}
