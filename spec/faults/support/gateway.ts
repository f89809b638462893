import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A TCP proxy for one client. While it is shut, other clients still reach the server. */
export interface Gateway {
  readonly url: string;
  /** Ends all connections, and accepts no new ones until {@link open}. */
  shut(): void;
  open(): void;
  close(): Promise<void>;
}

/** @param limit the number of connections that the proxy accepts in total. */
export async function startGateway(
  target: { readonly host: string; readonly port: number },
  limit = Number.POSITIVE_INFINITY,
): Promise<Gateway> {
  const sockets = new Set<Socket>();
  let isOpen = true;
  let accepted = 0;
  const server = createServer((client) => {
    accepted += 1;
    if (!isOpen || accepted > limit) {
      client.destroy();
      return;
    }
    const upstream = connect(target.port, target.host);
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    client.pipe(upstream).pipe(client);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const shut = () => {
    isOpen = false;
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    shut,
    open() {
      isOpen = true;
    },
    async close() {
      shut();
      server.close();
      await once(server, "close");
    },
  };
}
