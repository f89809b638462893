import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A way through a proxy: what the client sends, or what the server answers. */
export type Direction = "up" | "down";

/** Stands between a client and a server, and can lose what it carries while all connections look healthy. */
export interface TcpProxy {
  readonly port: number;
  /** How many connections were made through it. */
  readonly connections: number;
  /**
   * From now on nothing passes in these directions, on old connections and new ones: on all, or on those only whose
   * client has sent `text`.
   */
  swallow(directions: readonly Direction[], text?: string): void;
  /** New connections are carried again. Those that lost something stay as they are, as a broken path would leave them. */
  heal(): void;
  /**
   * Keeps back what the server answers, on all connections, until told to let it go, all at once. Gives what clients say
   * from now on, and what is kept.
   */
  hold(): { readonly said: string; readonly kept: string; release(): void };
  /** Puts bytes on the way to the server, on every connection, as if the client had sent them. */
  inject(bytes: string): void;
  close(): Promise<void>;
}

/** Starts a proxy to a port of the loopback address. */
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
        // What tells connections apart is said when they are made.
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
          // Each gets all of its own in one write.
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
