import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface Forwarder {
  readonly port: number;
  /** Ends all connections. */
  cut(): void;
  /** Ends all connections, and accepts no more. */
  close(): Promise<void>;
}

/**
 * Forwards TCP connections on a free port.
 *
 * @param targetOf called for each connection. Returns its target, or undefined to refuse the connection.
 */
export async function startForwarder(
  targetOf: () => { readonly host: string; readonly port: number } | undefined,
): Promise<Forwarder> {
  const sockets = new Set<Socket>();
  const listener = createServer((client) => {
    const target = targetOf();
    if (target === undefined) {
      client.destroy();
      return;
    }
    const server = connect(target.port, target.host);
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    client.pipe(server).pipe(client);
  }).listen(0, "127.0.0.1");
  await once(listener, "listening");
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (listener.address() as AddressInfo).port,
    cut,
    async close() {
      cut();
      listener.close();
      await once(listener, "close");
    },
  };
}
