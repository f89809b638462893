import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** A client that is a bare TCP connection, and sends any bytes. */
export class RawClient {
  readonly socket: Socket;
  received = "";

  private constructor(url: string) {
    this.socket = connect(Number(new URL(url).port), "127.0.0.1")
      .setNoDelay()
      .setEncoding("latin1");
    this.socket.on("data", (text) => {
      this.received += text;
    });
    this.socket.on("error", () => {});
  }

  /** Resolves once the client is connected and has sent `text`. */
  static async open(url: string, text = ""): Promise<RawClient> {
    const client = new RawClient(url);
    await once(client.socket, "connect");
    await client.send(text);
    return client;
  }

  send(text: string): Promise<void> {
    return new Promise((resolve) => this.socket.write(text, "latin1", () => resolve()));
  }

  /** Resolves with all that was received, as soon as it matches. @throws if the server ends the connection. */
  async until(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.received)) {
      const event = await Promise.race([
        once(this.socket, "data"),
        once(this.socket, "close").then(() => {}),
      ]);
      if (event === undefined) throw new Error(`The server ended the connection after: ${this.received}`);
    }
    return this.received;
  }

  /** Resolves with all that was received, once the server has ended the connection. */
  async rest(): Promise<string> {
    if (!this.socket.closed) await once(this.socket, "close");
    return this.received;
  }
}

/** A plain HTTP request. */
export function plainRequest(
  path: string,
  headers: Readonly<Record<string, string>> = {},
  body = "",
): string {
  const lines = Object.entries({ Host: "127.0.0.1", ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  return `${body === "" ? "GET" : "POST"} ${path} HTTP/1.1\r\n${lines.join("")}\r\n${body}`;
}
