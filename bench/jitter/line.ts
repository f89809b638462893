import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** The way of one client to the server: a port that forwards TCP connections until it is cut. */
export class Line {
  readonly #listener: Server;
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  /** The newest connection to the server, and the time of `performance.now()` at which it was made. */
  #newest: { readonly server: Socket; readonly connectedAt: number } | undefined;
  #offlineUntil = 0;

  private constructor(target: number) {
    this.#target = target;
    this.#listener = createServer({ noDelay: true }, (client) => this.#accept(client));
  }

  /** @param target the port of the server */
  static async open(target: number): Promise<Line> {
    const line = new Line(target);
    line.#listener.listen(0, "127.0.0.1");
    await once(line.#listener, "listening");
    return line;
  }

  get port(): number {
    return (this.#listener.address() as AddressInfo).port;
  }

  /** The time for which the client has been connected to the server, in milliseconds; 0 if it is not. */
  get connectedMs(): number {
    return this.#newest === undefined ? 0 : performance.now() - this.#newest.connectedAt;
  }

  /** Destroys the connection on both sides, and refuses new ones for `offlineMs`. */
  cut(offlineMs: number): void {
    this.#offlineUntil = performance.now() + offlineMs;
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Accepts no more connections, and destroys the present one. */
  async close(): Promise<void> {
    const closed = once(this.#listener, "close");
    this.#listener.close();
    this.cut(0);
    await closed;
  }

  #accept(client: Socket): void {
    if (performance.now() < this.#offlineUntil) {
      client.resetAndDestroy();
      return;
    }
    const server = connect({ port: this.#target, host: "127.0.0.1", noDelay: true });
    server.on("connect", () => {
      this.#newest = { server, connectedAt: performance.now() };
    });
    this.#carry(client, server);
    this.#carry(server, client);
    server.on("close", () => {
      // An older connection may end after a newer one has begun.
      if (this.#newest?.server === server) this.#newest = undefined;
    });
  }

  #carry(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    from.pipe(to);
    from.on("error", () => {});
    from.on("close", () => {
      this.#sockets.delete(from);
      to.destroy();
    });
  }
}
