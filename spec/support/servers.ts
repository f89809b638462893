import { once } from "node:events";
import type { Server } from "node:http";
import type { Http2SecureServer } from "node:http2";
import type { AddressInfo, Server as NetServer } from "node:net";
import type { Runtime } from "greenroom";

const open: { readonly server: Server | Http2SecureServer; readonly runtimes: readonly Runtime[] }[] = [];

/** Makes `server` listen on a free port, and returns its URL. {@link closeServers} ends it and the runtimes. */
export async function listening(server: Server | Http2SecureServer, ...runtimes: Runtime[]): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  open.push({ server, runtimes });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export async function closeServers(): Promise<void> {
  for (const { server, runtimes } of open.splice(0)) {
    await Promise.all(runtimes.map((runtime) => runtime.close({ drainMs: 1_000 })));
    server.close();
    if ("closeAllConnections" in server) server.closeAllConnections();
  }
}

/** The number of connections of a server, including upgraded ones. */
export const connectionsOf = (server: NetServer): Promise<number> =>
  new Promise((resolve, reject) =>
    server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
  );
