import type { Redis } from "ioredis";
import { redisCpuMicros } from "../redis-cpu.ts";
import type { Joining, Sending } from "./plan.ts";
import { RemoteNode } from "./remote.ts";
import type { Joins, Load } from "./tasks.ts";

/** What one measurement gave, per message. CPU is in microseconds. */
export interface SendFigures {
  readonly perSecond: number;
  readonly publisher: number;
  /** 0 where publisher and receiver are one process. */
  readonly receiver: number;
  readonly redis: number;
  readonly sum: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** The same, per join. */
export interface JoinFigures {
  readonly perSecond: number;
  readonly node: number;
  readonly redis: number;
  readonly sum: number;
}

/** Where nodes run, and what measures the server. */
export interface Bench {
  readonly url: string;
  readonly redis: Redis;
  /** A folder for CPU profiles, if they are wanted. */
  readonly profiles: string | undefined;
}

/** How much is sent before anything is measured, so that what runs is what V8 has optimised. */
const warmUp: Load = { messages: 10_000, inFlight: 100 };
const warmUpJoins: Joins = { joins: 2_000, atOnce: 1_000 };

/** Runs a pair of processes: one publishes, the members are in the other. */
export async function* measureSending(
  { carrier, room, loads }: Sending,
  bench: Bench,
): AsyncGenerator<[Load, SendFigures]> {
  await bench.redis.flushall();
  const publisher = new RemoteNode();
  // What works within one process only has both its nodes there.
  const receiver = carrier === "memory" ? publisher : new RemoteNode();
  try {
    const port = await publisher.ask("open", carrier, bench.url);
    if (receiver !== publisher) await receiver.ask("open", carrier, bench.url);
    await receiver.ask("join", room, port);
    await publisher.ask("greet");
    const once = async (load: Load, profiles?: string): Promise<SendFigures> => {
      const profile = (role: string) =>
        profiles &&
        `${profiles}/${[carrier, room.groups, room.members, load.inFlight, role].join("-")}.cpuprofile`;
      const redisBefore = await redisCpuMicros(bench.redis);
      await receiver.ask("expect", load.messages, receiver === publisher ? undefined : profile("receiver"));
      const sent = await publisher.ask("publish", room, load, profile("publisher"));
      const arrived = await receiver.ask("arrived");
      const redis = ((await redisCpuMicros(bench.redis)) - redisBefore) / load.messages;
      const publisherMicros = sent.cpuMicros / load.messages;
      const receiverMicros = receiver === publisher ? 0 : arrived.cpuMicros / load.messages;
      return {
        perSecond: load.messages / sent.seconds,
        publisher: publisherMicros,
        receiver: receiverMicros,
        redis: carrier === "memory" ? 0 : redis,
        sum: publisherMicros + receiverMicros + (carrier === "memory" ? 0 : redis),
        p50Ms: arrived.p50Ms,
        p99Ms: arrived.p99Ms,
      };
    };
    await once({ ...warmUp, messages: Math.max(...loads.map(({ messages }) => messages), warmUp.messages) });
    for (const load of loads) yield [load, await once(load, bench.profiles)];
  } finally {
    await Promise.all([publisher.close(), receiver.close()]);
  }
}

/** Runs one process that joins. */
export async function* measureJoining(
  { carrier, joins }: Joining,
  bench: Bench,
): AsyncGenerator<[Joins, JoinFigures]> {
  await bench.redis.flushall();
  const node = new RemoteNode();
  try {
    await node.ask("open", carrier, bench.url);
    await node.ask("joinMany", warmUpJoins);
    for (const each of joins) {
      const redisBefore = await redisCpuMicros(bench.redis);
      const done = await node.ask("joinMany", each);
      const redis = ((await redisCpuMicros(bench.redis)) - redisBefore) / each.joins;
      const cpu = done.cpuMicros / each.joins;
      yield [each, { perSecond: each.joins / done.seconds, node: cpu, redis, sum: cpu + redis }];
    }
  } finally {
    await node.close();
  }
}
