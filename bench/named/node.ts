import { now } from "../harness/clock.ts";
import { costOf } from "../harness/cpu.ts";
import { type Figures, quantile } from "../harness/results.ts";
import { serveTasks } from "../harness/worker-process.ts";
import type { Load, RowName } from "./rows.ts";
import { bareIoredis } from "./systems/bare-ioredis.ts";
import type { Greenroom } from "./systems/greenroom.ts";
import { keyName, type System } from "./systems/system.ts";

let system: System | undefined;

const open: Readonly<Record<RowName | "timer", (url: string) => System | Promise<System>>> = {
  control: bareIoredis,
  remote: async (url) => (await import("./systems/greenroom.ts")).greenroom({ url, runs: false }),
  ask: async (url) => (await import("./systems/greenroom.ts")).greenroom({ url }),
  send: async (url) => (await import("./systems/greenroom.ts")).greenroom({ url, sends: true }),
  timer: async (url) => (await import("./systems/greenroom.ts")).greenroom({ url, timer: true }),
  memory: async () => (await import("./systems/greenroom.ts")).greenroom({}),
  bullmq1: async (url) => (await import("./systems/bullmq.ts")).bullmq(url, 1),
  bullmq100: async (url) => (await import("./systems/bullmq.ts")).bullmq(url, 100),
};

const tasks = {
  async open(row: RowName | "timer", url: string): Promise<void> {
    system = await open[row](url);
  },
  /** Passes the messages, and waits until they are handled. CPU is in microseconds per message. */
  run,
  /** The number of messages that the keys of the load have handled. */
  handled: (load: Load) => required().handled(keysOf(load)),
  /** The ids of the processes that run the keys, in order. */
  where: (keys: readonly string[]) => Promise.all(keys.map((key) => (required() as Greenroom).where(key))),
  /** Asks all keys at once. @returns the times of the answers, in milliseconds after `since` on the shared clock */
  async answersOf(keys: readonly string[], since: number): Promise<readonly number[]> {
    return Promise.all(
      keys.map(async (key) => {
        await required().pass(key);
        return now() - since;
      }),
    );
  },
  processId: () => process.pid,
  /** The CPU time of the process since its start, in microseconds. */
  cpuMicros() {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
  snapshot: (key: string) => (required() as Greenroom).snapshot(key),
  close: () => required().close(),
};
export type NodeTasks = typeof tasks;

serveTasks(tasks);

async function run(load: Load): Promise<Figures> {
  const { messages, inFlight } = load;
  const keys = keysOf(load);
  const times = new Float64Array(messages);
  const { pass, settle } = required();
  let next = 0;
  const loop = async () => {
    while (next < messages) {
      const number = next;
      next += 1;
      const from = performance.now();
      await pass(keys[number % keys.length] as string);
      times[number] = performance.now() - from;
    }
  };
  const { cpuMicros, seconds } = await costOf(async () => {
    await Promise.all(Array.from({ length: inFlight }, loop));
    if (settle) await Promise.all(keys.map((key) => settle(key)));
  });
  times.sort();
  return {
    ...{ perSecond: messages / seconds, node: cpuMicros / messages },
    ...{ p50Ms: quantile(times, 0.5), p99Ms: quantile(times, 0.99) },
  };
}

function keysOf({ first, keys }: Load): string[] {
  return Array.from({ length: keys }, (_, index) => keyName(first + index));
}

function required(): System {
  if (system === undefined) throw new Error("Open a system first.");
  return system;
}
