import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A way to a server on which everything takes a given time, so that round trips can be counted by the clock. */
export interface SlowLink {
  readonly port: number;
  close(): Promise<void>;
}

/** @param delayMs for each direction: what a round trip takes is twice that. */
export async function startSlowLink(target: number, delayMs: number): Promise<SlowLink> {
  const sockets = new Set<Socket>();
  const carry = (from: Socket, to: Socket) => {
    sockets.add(from);
    from.on("data", (bytes) => setTimeout(() => to.writable && to.write(bytes), delayMs));
    from.on("error", () => {});
    from.on("close", () => {
      sockets.delete(from);
      to.destroy();
    });
  };
  const listener = createServer({ noDelay: true }, (client) => {
    const server = connect({ port: target, host: "127.0.0.1", noDelay: true });
    carry(client, server);
    carry(server, client);
  }).listen(0, "127.0.0.1");
  await once(listener, "listening");
  return {
    port: (listener.address() as AddressInfo).port,
    async close() {
      const closed = once(listener, "close");
      listener.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
