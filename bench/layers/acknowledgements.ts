import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";

/** Reports the number of arrived messages to the publisher, over a direct connection instead of Redis. */
export interface Acknowledgements {
  readonly port: number;
  /** Called with the number of newly arrived messages, or with 0 for a greeting. */
  onArrived: (count: number) => void;
}

/** The publisher's side. Listens on a free port. */
export async function listenForAcknowledgements(): Promise<Acknowledgements> {
  const server = createServer((socket) => {
    socket.on("data", (counts: Buffer) => {
      for (const count of counts) acknowledgements.onArrived(count);
    });
    socket.on("error", () => {});
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const acknowledgements: Acknowledgements = {
    port: (server.address() as AddressInfo).port,
    onArrived() {},
  };
  return acknowledgements;
}

/** The receiver's side. @returns a function that acknowledges up to 255 messages with one byte */
export async function connectTo(port: number): Promise<(count: number) => void> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  await once(socket, "connect");
  return (count) => void socket.write(Uint8Array.of(count));
}
