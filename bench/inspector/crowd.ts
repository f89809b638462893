import type { Socket } from "node:net";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { type ActorRef, createRuntime, MemoryLayer } from "greenroom";
import { inspector } from "greenroom/inspector";
import { usedHeap } from "../measure.ts";
import { answerTasks } from "../remote-process.ts";
import { consumers, groupsOf, hall } from "./crowd-consumers.ts";
import { path, serve } from "./rows.ts";

/** What there is since the process began. */
export interface Totals {
  readonly ms: number;
  readonly cpuMicros: number;
  /** To the page. */
  readonly bytes: number;
}

/** The process of many actors that have much to do. */
export interface CrowdTasks {
  /** @returns the address of the inspector's page. */
  open(actors: number): Promise<string>;
  totals(): Totals;
  /** How late the event loop came to what was due, in milliseconds, since this was last asked. */
  loopDelay(): { readonly p99: number; readonly max: number };
  /** Bytes of the heap, collected. */
  heap(): Promise<number>;
}

/** What goes on in a second: messages to a group, actors that come, and as many that go. */
export const traffic = { messages: 500, comings: 50 } as const;

const stepMs = 20;
const resolutionMs = 10;
const loopDelay = monitorEventLoopDelay({ resolution: resolutionMs });
const sockets = new Set<Socket>();

const tasks: CrowdTasks = {
  async open(actors) {
    const layer = new MemoryLayer();
    const runtime = createRuntime({ layers: { crowd: layer } });
    inspector(runtime, { path });
    const { server, port } = await serve(runtime);
    server.on("connection", (socket) => sockets.add(socket));
    const groups = groupsOf(actors);
    const present: ActorRef[] = [];
    let came = 0;
    const come = async () => {
      came += 1;
      const params = { number: String(came), groups: String(groups) };
      const [Visitor, Waiter, Dancer] = consumers;
      const Consumer = [Visitor, Waiter, Dancer][came % consumers.length] ?? Visitor;
      present.push(await runtime.spawn(Consumer, { path: `/hall/${came}`, params }));
    };
    while (came < actors) await come();
    let [sent, steps] = [0, 0];
    setInterval(() => {
      steps += 1;
      for (; sent < (steps * stepMs * traffic.messages) / 1_000; sent += 1) {
        void layer.groupSend(hall(Math.floor(Math.random() * groups)), { type: "step", by: 1 });
      }
      while (came < actors + (steps * stepMs * traffic.comings) / 1_000) {
        void come();
        void present.shift()?.stop();
      }
    }, stepMs);
    loopDelay.enable();
    return `http://127.0.0.1:${port}${path}`;
  },
  totals() {
    const { user, system } = process.cpuUsage();
    const bytes = [...sockets].reduce((sum, { bytesWritten }) => sum + bytesWritten, 0);
    return { ms: performance.now(), cpuMicros: user + system, bytes };
  },
  loopDelay() {
    const [p99, max] = [loopDelay.percentile(99), loopDelay.max].map((nanos) =>
      Math.max(0, nanos / 1e6 - resolutionMs),
    ) as [number, number];
    loopDelay.reset();
    return { p99, max };
  },
  heap: usedHeap,
};

answerTasks<CrowdTasks>(tasks);
