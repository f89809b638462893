import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Layers, Runtime } from "greenroom";
import { inspector } from "greenroom/inspector";
import { WorkerProcess } from "../harness/worker-process.ts";
import type { ReaderTasks } from "./reader.ts";

/** Mounts the inspector, with or without a reader, or does nothing. @returns a function to end the reader */
type Inspect = <L extends Layers>(runtime: Runtime<L>) => Promise<() => Promise<void>>;

export const path = "/inspect";

export const inspections = {
  async without() {
    return async () => {};
  },
  async mounted(runtime) {
    inspector(runtime, { path });
    return async () => {};
  },
  async open(runtime) {
    const address = inspector(runtime, { path });
    const { server, port } = await serve(runtime);
    const reader = new WorkerProcess<ReaderTasks>(new URL("reader.ts", import.meta.url));
    await reader.call("open", `ws://127.0.0.1:${port}${address}`);
    return async () => {
      await reader.close();
      server.close();
    };
  },
} satisfies Record<string, Inspect>;

export type InspectionRow = keyof typeof inspections;

/** Attaches a runtime to a server on a free port. */
export async function serve<L extends Layers>(runtime: Runtime<L>) {
  const server = createServer();
  runtime.attach(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, port: (server.address() as AddressInfo).port };
}
