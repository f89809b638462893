import { serveTasks } from "../harness/worker-process.ts";
import { Line } from "./line.ts";
import type { Cut } from "./plan.ts";

/** The interval at which the proxy looks for due cuts, in milliseconds. */
const tickMs = 20;
/** A due cut waits until the client has been connected for this long. */
const settledMs = 1_000;

let lines: readonly Line[] = [];
let cuts = 0;

const tasks = {
  /** Opens a port for each client, all of which lead to the port `target`. @returns the ports */
  async open(clients: number, target: number): Promise<number[]> {
    lines = await Promise.all(Array.from({ length: clients }, () => Line.open(target)));
    return lines.map(({ port }) => port);
  },
  /** Begins to cut. After each cut, the client cannot connect for `offlineMs`. */
  start(schedule: readonly Cut[], offlineMs: number): void {
    const from = performance.now();
    const due = [...schedule].sort((one, other) => one.atMs - other.atMs);
    const waiting: Line[] = [];
    setInterval(() => {
      while ((due[0]?.atMs ?? Number.POSITIVE_INFINITY) <= performance.now() - from) {
        const line = lines[due.shift()?.client ?? 0];
        if (line !== undefined) waiting.push(line);
      }
      for (const line of waiting.splice(0)) {
        if (line.connectedMs < settledMs) waiting.push(line);
        else {
          line.cut(offlineMs);
          cuts += 1;
        }
      }
    }, tickMs);
  },
  /** The number of cuts of open connections. */
  cuts: () => cuts,
  /** The number of clients that have been connected to the server for at least `leastMs`. */
  connected: (leastMs: number) => lines.filter(({ connectedMs }) => connectedMs > leastMs).length,
};
export type ProxyTasks = typeof tasks;

serveTasks(tasks);
