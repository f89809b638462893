import type { BenchRedis } from "../harness/redis.ts";
import type { Figures } from "../harness/results.ts";
import { WorkerProcess } from "../harness/worker-process.ts";
import type { NodeTasks } from "./node.ts";
import type { Load, RowName } from "./rows.ts";

/** The servers and the options of all measurements. */
export interface Environment {
  readonly redis: BenchRedis;
  readonly profiles: string | undefined;
  /** Whether the measurements share processes, which saves most of the time of a check. */
  readonly sharesProcesses: boolean;
}

export type Node = WorkerProcess<NodeTasks>;

/** The shared processes that no measurement uses. */
const idle: Node[] = [];

/** Starts a process with a system. The process runs compiled JavaScript, without a loader. */
export async function startNode(
  row: RowName | "timer",
  { redis, profiles, sharesProcesses }: Environment,
  label: string = row,
): Promise<Node> {
  const module = new URL("dist/bench/named/node.js", import.meta.url);
  const shared = sharesProcesses ? idle.pop() : undefined;
  const node: Node = shared ?? new WorkerProcess<NodeTasks>(module, { profiles, label });
  await node.call("open", row, redis.url);
  return node;
}

/** Closes the system, and then its process, unless another measurement can use it. */
export async function stopNode(node: Node, { sharesProcesses }: Environment): Promise<void> {
  await node.call("close");
  if (sharesProcesses) idle.push(node);
  else await node.close();
}

/** Closes the shared processes. */
export async function stopShared(): Promise<void> {
  await Promise.all(idle.splice(0).map((node) => node.close()));
}

/** Measures a load after a warm-up. CPU is in microseconds per message. @throws if a message was lost or repeated */
export async function measureLoad(row: RowName, load: Load, environment: Environment): Promise<Figures> {
  const { redis } = environment;
  await redis.client.flushall();
  const owner = row === "remote" ? await startNode("ask", environment, "owner") : undefined;
  const node = await startNode(row, environment);
  const warmUp = { ...load, messages: Math.max(load.keys, Math.ceil(load.messages / 2)) };
  await node.call("run", warmUp);
  const micros = async () => [await redis.cpuMicros(), (await owner?.call("cpuMicros")) ?? 0] as const;
  const before = await micros();
  const figures = await node.call("run", load);
  const after = await micros();
  await expectHandled(node, load, warmUp.messages + load.messages);
  await stopNode(node, environment);
  if (owner !== undefined) await stopNode(owner, environment);
  const redisMicros = (after[0] - before[0]) / load.messages;
  const ownerMicros = (after[1] - before[1]) / load.messages;
  const own = figures.node ?? 0;
  return {
    ...{ ...figures, node: own + ownerMicros },
    ...(row !== "memory" && { redis: redisMicros }),
    carries: 1e6 / Math.max(own, ownerMicros, row === "memory" ? 0 : redisMicros),
  };
}

/** @throws unless the keys of the load have handled this number of messages */
export async function expectHandled(node: Node, load: Load, messages: number): Promise<void> {
  const handled = await node.call("handled", load);
  if (handled !== messages) throw new Error(`${messages} messages were sent, but ${handled} were handled.`);
}
