import { createServer } from "node:http";
import {
  BatchSpanProcessor,
  NodeTracerProvider,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
} from "@opentelemetry/sdk-trace-node";
import { createRuntime, MemoryLayer } from "../../index.ts";
import { traceRuntime } from "../../tracing/index.ts";
import { onError } from "../contracts/on-error.ts";
import { type Constant, consumers, type Relay } from "../contracts/room-consumers.ts";
import { listen } from "../fan-out/servers/room-server.ts";
import { serverTasks } from "../harness/server-tasks.ts";
import { serveTasks } from "../harness/worker-process.ts";
import type { RoomName, RowName } from "./rows.ts";

/** Registers the SDK with a usual sampler, and an exporter that discards the spans. */
function registerSdk(share: number): void {
  const exporter = {
    export: (_spans: unknown, done: (result: { readonly code: number }) => void) => done({ code: 0 }),
    shutdown: async () => {},
  };
  const sampler = new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(share) });
  new NodeTracerProvider({ sampler, spanProcessors: [new BatchSpanProcessor(exporter)] }).register();
}

const tasks = {
  /** Serves a room on a free loopback port. @returns the port */
  open(row: RowName, room: RoomName): Promise<number> {
    const runtime = createRuntime({
      layers: { chat: new MemoryLayer() },
      validateOutgoing: false,
      onError,
    });
    if (row === "sampled" || row === "all") registerSdk(row === "all" ? 1 : 0.01);
    if (row !== "off" && row !== "control") traceRuntime(runtime);
    if (room === "constant") runtime.route("/", consumers[room] as typeof Constant);
    else runtime.route(consumers[room] as typeof Relay);
    const server = createServer();
    runtime.attach(server);
    return listen(server);
  },
  ...serverTasks(),
};
export type RoomTasks = typeof tasks;

serveTasks(tasks);
