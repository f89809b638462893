import type { Redis } from "ioredis";
import { type Figures, quantile } from "../harness/results.ts";
import { type Environment, expectHandled, startNode, stopNode } from "./measure-load.ts";
import type { MemoryRow } from "./rows.ts";
import { keyName } from "./systems/system.ts";

/** The number of keys that warm up a process. Most partitions have some of them, except in a check. */
const warmUpOf = (keys: number) => Math.min(1_000, keys);

const once = (first: number, keys: number) => ({ first, keys, messages: keys, inFlight: 1 });

/**
 * Measures the first ask of each key, one after the other. The keys sleep, because the node that ran them has closed.
 *
 * @returns the figures of `ask` and of `get`, the control
 */
export async function measureWaking(
  keys: number,
  environment: Environment,
): Promise<Readonly<Record<"ask" | "get", Figures>>> {
  const { client } = environment.redis;
  const warmUpKeys = warmUpOf(keys);
  await client.flushall();
  const former = await startNode("ask", environment, "falls asleep");
  await former.call("run", { ...once(0, warmUpKeys + keys), inFlight: 64 });
  const snapshot = await former.call("snapshot", keyName(0));
  await stopNode(former, environment);
  const node = await startNode("ask", environment, "wakes");
  try {
    await node.call("run", once(0, warmUpKeys));
    const { p50Ms = 0, p99Ms = 0 } = await node.call("run", once(warmUpKeys, keys));
    await expectHandled(node, once(0, warmUpKeys + keys), 2 * (warmUpKeys + keys));
    return { ask: { p50Ms, p99Ms }, get: await measureGet(client, snapshot, keys) };
  } finally {
    await stopNode(node, environment);
  }
}

/** Measures `GET`, one after the other. */
async function measureGet(client: Redis, snapshot: string, count: number): Promise<Figures> {
  await client.set("control", snapshot);
  const times = new Float64Array(count);
  for (let index = 0; index < count; index += 1) {
    const from = performance.now();
    await client.getBuffer("control");
    times[index] = performance.now() - from;
  }
  times.sort();
  return { p50Ms: quantile(times, 0.5), p99Ms: quantile(times, 0.99) };
}

/**
 * Measures the memory of sleeping keys: the difference between the memory that Redis uses with `keys` more keys, and
 * with the first ones. No node runs meanwhile. All figures are bytes per key.
 */
export async function measureMemory(
  keys: number,
  environment: Environment,
): Promise<Record<MemoryRow, Figures>> {
  const { client } = environment.redis;
  let snapshotOfKey = "";
  const create = async (row: "ask" | "timer", first: number, count: number) => {
    const node = await startNode(row, environment, "creates keys");
    await node.call("run", { ...once(first, count), inFlight: 64 });
    await expectHandled(node, once(first, count), count);
    snapshotOfKey = await node.call("snapshot", keyName(first));
    await stopNode(node, environment);
    return settledMemory(client);
  };
  const warmUpKeys = warmUpOf(keys);
  const bytesOf = async (row: "ask" | "timer") => {
    await client.flushall();
    const before = await create(row, 0, warmUpKeys);
    const perKey = ((await create(row, warmUpKeys, keys)) - before) / keys;
    return { perKey, snapshot: snapshotOfKey.length, more: perKey - snapshotOfKey.length };
  };
  const [sleeping, timer] = [await bytesOf("ask"), await bytesOf("timer")];
  await client.flushall();
  const set = async (first: number, count: number) => {
    const names = Array.from({ length: count }, (_, index) => keyName(first + index));
    await client.mset(names.flatMap((name) => [name, snapshotOfKey]));
    return settledMemory(client);
  };
  const before = await set(0, warmUpKeys);
  const perKey = ((await set(warmUpKeys, keys)) - before) / keys;
  const { length } = snapshotOfKey;
  return { sleeping, timer, set: { perKey, snapshot: length, more: perKey - length } };
}

/** The memory that Redis uses, once it has the same value three times in a row. */
async function settledMemory(client: Redis): Promise<number> {
  for (let [last, same] = [0, 0]; ; ) {
    const used = Number(/^used_memory:(\d+)/m.exec(await client.info("memory"))?.[1]);
    same = used === last ? same + 1 : 0;
    if (same === 2) return used;
    last = used;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
