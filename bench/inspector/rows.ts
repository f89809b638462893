import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import type { Layers, Runtime } from "greenroom";
import { inspector } from "greenroom/inspector";
import { RemoteProcess } from "../remote-process.ts";
import type { ReaderTasks } from "./reader.ts";

/** Has somebody look at a runtime, or nobody. @returns what ends that. */
type Row = <L extends Layers>(runtime: Runtime<L>) => Promise<() => Promise<void>>;

export const path = "/inspect";

/** How much an inspector looks at a runtime, from not at all on. */
export const rows = {
  async without() {
    return async () => {};
  },
  async mounted(runtime) {
    inspector(runtime, { path });
    return async () => {};
  },
  async looked(runtime) {
    inspector(runtime, { path });
    const { server, port } = await serve(runtime);
    const reader = new RemoteProcess<ReaderTasks>(fileURLToPath(new URL("reader.ts", import.meta.url)), [
      "--import=tsx",
    ]);
    await reader.ask("open", `ws://127.0.0.1:${port}${path}`);
    return async () => {
      await reader.close();
      server.close();
    };
  },
} satisfies Record<string, Row>;

export type RowName = keyof typeof rows;

/** Attaches a runtime to a server on a free port. */
export async function serve<L extends Layers>(runtime: Runtime<L>) {
  const server = createServer();
  runtime.attach(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, port: (server.address() as AddressInfo).port };
}
