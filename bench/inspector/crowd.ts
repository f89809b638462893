import type { Socket } from "node:net";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { type ActorRef, createRuntime, MemoryLayer } from "greenroom";
import { inspector } from "greenroom/inspector";
import { cpuMicros } from "../harness/cpu.ts";
import { collectedMemory } from "../harness/memory.ts";
import { serveTasks } from "../harness/worker-process.ts";
import { consumers, groupsOf, hall } from "./crowd-consumers.ts";
import { path, serve } from "./inspected.ts";

/** The messages to groups per second, and the actors that are spawned and stopped per second. */
const traffic = { messages: 500, spawns: 50 } as const;

const stepMs = 20;
const resolutionMs = 10;
const loopDelay = monitorEventLoopDelay({ resolution: resolutionMs });
const sockets = new Set<Socket>();

const tasks = {
  /** @returns the address of the inspector's page. */
  async open(actors: number): Promise<string> {
    const layer = new MemoryLayer();
    const runtime = createRuntime({ layers: { crowd: layer } });
    const address = inspector(runtime, { path });
    const { server, port } = await serve(runtime);
    server.on("connection", (socket) => sockets.add(socket));
    const groups = groupsOf(actors);
    const present: ActorRef[] = [];
    let spawned = 0;
    const spawn = async () => {
      spawned += 1;
      const params = { number: String(spawned), groups: String(groups) };
      const Consumer = consumers[spawned % consumers.length] ?? consumers[0];
      present.push(await runtime.spawn(Consumer, { path: `/hall/${spawned}`, params }));
    };
    while (spawned < actors) await spawn();
    let [sent, steps] = [0, 0];
    setInterval(() => {
      steps += 1;
      for (; sent < (steps * stepMs * traffic.messages) / 1_000; sent += 1) {
        void layer.groupSend(hall(Math.floor(Math.random() * groups)), { type: "step", by: 1 });
      }
      while (spawned < actors + (steps * stepMs * traffic.spawns) / 1_000) {
        void spawn();
        void present.shift()?.stop();
      }
    }, stepMs);
    loopDelay.enable();
    return `http://127.0.0.1:${port}${address}`;
  },
  /** Totals since the start of the process. `bytes` is the number of bytes sent to the page. */
  totals() {
    const bytes = [...sockets].reduce((sum, { bytesWritten }) => sum + bytesWritten, 0);
    return { ms: performance.now(), cpuMicros: cpuMicros(), bytes };
  },
  /** The delay of the event loop since the last call, in milliseconds. */
  loopDelay() {
    const [p99, max] = [loopDelay.percentile(99), loopDelay.max].map((nanos) =>
      Math.max(0, nanos / 1e6 - resolutionMs),
    ) as [number, number];
    loopDelay.reset();
    return { p99, max };
  },
  /** The used heap in bytes, after garbage collection. */
  heap: async () => (await collectedMemory()).heapBytes,
};
export type CrowdTasks = typeof tasks;

serveTasks(tasks);
