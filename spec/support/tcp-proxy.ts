import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A direction: from the client to the server, or back. */
export type Direction = "up" | "down";

/** A TCP proxy that can drop data while all connections look healthy. */
export interface TcpProxy {
  readonly port: number;
  /** The number of connections since the start. */
  readonly connections: number;
  /** The number of open connections. */
  readonly open: number;
  /**
   * Drops all data in these directions, on present and new connections. With `text`, affects only connections
   * whose client has sent `text`.
   */
  swallow(directions: readonly Direction[], text?: string): void;
  /** Forwards new connections again. Connections that lost data stay broken. */
  heal(): void;
  /**
   * Holds the answers of the server on all connections. `said` is the data that clients send from now on, and
   * `kept` contains the held answers. `release` sends the answers at once.
   */
  hold(): { readonly said: string; readonly kept: string; release(): void };
  /** Sends bytes to the server on every connection, as if the client had sent them. */
  inject(bytes: string): void;
  close(): Promise<void>;
}

export async function startTcpProxy(target: number): Promise<TcpProxy> {
  const pairs = new Set<{ readonly client: Socket; readonly server: Socket }>();
  let swallowed: readonly Direction[] = [];
  let marker = "";
  let connections = 0;
  let held: { said: string; isKept: boolean; readonly kept: [to: Socket, bytes: Buffer][] } | undefined;
  const listener = createServer((client) => {
    connections += 1;
    const server = connect(target, "127.0.0.1");
    const pair = { client, server };
    pairs.add(pair);
    const lost = new Set<Direction>();
    let said = "";
    const carry = (from: Socket, to: Socket, direction: Direction) => {
      from.on("data", (bytes) => {
        // Clients send the text that identifies a connection first.
        if (direction === "up" && said.length < 1_000) said += bytes.toString("latin1");
        if (swallowed.includes(direction) && said.includes(marker)) lost.add(direction);
        if (lost.has(direction)) return;
        if (held !== undefined && direction === "up") held.said += bytes.toString("latin1");
        if (held?.isKept && direction === "down") held.kept.push([to, bytes]);
        else to.write(bytes);
      });
      from.on("error", () => {});
      from.on("close", () => {
        to.destroy();
        pairs.delete(pair);
      });
    };
    carry(client, server, "up");
    carry(server, client, "down");
  }).listen(0, "127.0.0.1");
  await once(listener, "listening");
  return {
    port: (listener.address() as AddressInfo).port,
    get connections() {
      return connections;
    },
    get open() {
      return pairs.size;
    },
    swallow(directions, text = "") {
      swallowed = directions;
      marker = text;
    },
    heal() {
      swallowed = [];
    },
    hold() {
      const holding = { said: "", isKept: true, kept: [] as [Socket, Buffer][] };
      held = holding;
      return {
        get said() {
          return holding.said;
        },
        get kept() {
          return Buffer.concat(holding.kept.map(([, bytes]) => bytes)).toString("latin1");
        },
        release() {
          holding.isKept = false;
          const kept = holding.kept.splice(0);
          const sockets = new Set(kept.map(([to]) => to));
          for (const socket of sockets) socket.cork();
          for (const [to, bytes] of kept) to.write(bytes);
          for (const socket of sockets) socket.uncork();
        },
      };
    },
    inject(bytes) {
      for (const { server } of pairs) server.write(bytes);
    },
    async close() {
      const closed = once(listener, "close");
      listener.close();
      for (const { client, server } of pairs) {
        client.destroy();
        server.destroy();
      }
      await closed;
    },
  };
}
