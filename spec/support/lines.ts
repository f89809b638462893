import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A port on which no program listens. */
export const unusedPort = 1;

export type Direction = "up" | "down";

/** One TCP connection through the proxy. The bytes of a direction can be held, and cut anywhere. */
export class Line {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #held: Record<Direction, Buffer[] | undefined> = { up: undefined, down: undefined };

  constructor(client: Socket, server: Socket) {
    this.#client = client;
    this.#server = server;
    this.#carry(client, "up");
    this.#carry(server, "down");
  }

  get isOpen(): boolean {
    return !this.#client.destroyed || !this.#server.destroyed;
  }

  /** The number of bytes that are held. */
  held(direction: Direction): number {
    return (this.#held[direction] ?? []).reduce((sum, { length }) => sum + length, 0);
  }

  /** Keeps the bytes of a direction from now on. */
  hold(direction: Direction): void {
    this.#held[direction] ??= [];
  }

  /** Delivers at most `count` of the bytes that are held, and goes on holding. */
  leak(direction: Direction, count: number): void {
    const held = this.#held[direction];
    if (held === undefined) return;
    const bytes = Buffer.concat(held.splice(0));
    this.#target(direction).write(bytes.subarray(0, count));
    held.push(bytes.subarray(count));
  }

  /** Delivers all bytes that are held, and holds no more. An end that was lost meanwhile is told, too. */
  release(): void {
    for (const direction of ["up", "down"] as const) {
      const held = this.#held[direction];
      this.#held[direction] = undefined;
      if (held !== undefined) this.#target(direction).write(Buffer.concat(held));
    }
    if (this.#client.destroyed) this.#server.end();
    if (this.#server.destroyed) this.#client.end();
  }

  /** Loses the bytes that are held, and tells both ends. */
  cut(): void {
    this.#client.destroy();
    this.#server.destroy();
  }

  /** Tells only the client. The server learns of it with `release`, behind the bytes that are held. */
  cutClient(): void {
    this.hold("up");
    this.hold("down");
    this.#client.destroy();
  }

  #target(direction: Direction): Socket {
    return direction === "up" ? this.#server : this.#client;
  }

  #carry(from: Socket, direction: Direction): void {
    from.on("data", (bytes) => {
      const held = this.#held[direction];
      if (held === undefined) this.#target(direction).write(bytes);
      else held.push(bytes);
    });
    from.on("error", () => {});
    from.on("close", () => {
      if (this.#held[direction] === undefined) this.#target(direction).end();
    });
  }
}

/** A TCP proxy in front of a server, whose connections a spec can hold and cut. */
export class Lines {
  readonly #all: Line[] = [];
  readonly #listener = createServer({ noDelay: true }, (client) => {
    const server = connect({ port: this.#target(), host: "127.0.0.1", noDelay: true });
    this.#all.push(new Line(client, server));
  });
  #target: () => number;

  private constructor(target: () => number) {
    this.#target = target;
  }

  /** @param target the port of the server, or a function that chooses one for each line. */
  static async to(target: number | (() => number)): Promise<Lines> {
    const lines = new Lines(typeof target === "number" ? () => target : target);
    lines.#listener.listen(0, "127.0.0.1");
    await once(lines.#listener, "listening");
    return lines;
  }

  get port(): number {
    return (this.#listener.address() as AddressInfo).port;
  }

  /** The number of lines so far. */
  get count(): number {
    return this.#all.length;
  }

  /** Carries the lines that come next to the server at another port. */
  lead(target: number): void {
    this.#target = () => target;
  }

  get open(): readonly Line[] {
    return this.#all.filter(({ isOpen }) => isOpen);
  }

  get newest(): Line | undefined {
    return this.#all.findLast(({ isOpen }) => isOpen);
  }

  releaseAll(): void {
    for (const line of this.#all) line.release();
  }

  async close(): Promise<void> {
    for (const line of this.#all) line.cut();
    this.#listener.close();
    await once(this.#listener, "close");
  }
}
