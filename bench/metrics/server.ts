import { createServer } from "node:http";
import { createRuntime, MemoryLayer } from "../../index.ts";
import { collectMetrics, type Metrics } from "../../metrics/index.ts";
import { Member } from "../fan-out/servers/greenroom.ts";
import { listen } from "../fan-out/servers/room-server.ts";
import { serverTasks } from "../harness/server-tasks.ts";
import { serveTasks } from "../harness/worker-process.ts";
import type { RowName } from "./rows.ts";

const runtime = createRuntime({ layers: { chat: new MemoryLayer() } });
let metrics: Metrics | undefined;

const tasks = {
  /** @returns the port. */
  async open(): Promise<number> {
    runtime.route("/", Member);
    await runtime.ready();
    const server = createServer();
    runtime.attach(server);
    return listen(server);
  },
  /** Switches to the row `row`. */
  use(row: RowName): void {
    metrics?.close();
    metrics = row === "metrics" ? collectMetrics(runtime) : undefined;
  },
  /** @returns the time of a scrape, in milliseconds of CPU. */
  async scrape(): Promise<number> {
    const { user, system } = process.cpuUsage();
    await metrics?.register.metrics();
    const now = process.cpuUsage();
    return (now.user + now.system - user - system) / 1_000;
  },
  ...serverTasks(),
};
export type ServerTasks = typeof tasks;

serveTasks(tasks);
