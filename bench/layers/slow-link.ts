import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A proxy that delays all bytes. The duration of an operation then shows the number of its round trips. */
export interface SlowLink {
  readonly port: number;
  /** The delay in each direction, in milliseconds; a round trip takes twice the delay. */
  delayMs: number;
  close(): Promise<void>;
}

/** Starts a link without delay. */
export async function startSlowLink(target: number): Promise<SlowLink> {
  const sockets = new Set<Socket>();
  const carry = (from: Socket, to: Socket) => {
    sockets.add(from);
    from.on("data", (bytes) => setTimeout(() => to.writable && to.write(bytes), link.delayMs));
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
  const link: SlowLink = {
    delayMs: 0,
    port: (listener.address() as AddressInfo).port,
    async close() {
      const closed = once(listener, "close");
      listener.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
  return link;
}
