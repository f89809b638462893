import { once } from "node:events";
import { type ClientOptions, WebSocket } from "ws";

export interface Closed {
  readonly code: number;
  readonly reason: string;
}

export interface Refused {
  readonly status: number;
  readonly body: string;
}

/** A WebSocket client that buffers received frames until a spec reads them. */
export class Client {
  readonly websocket: WebSocket;
  readonly closed: Promise<Closed>;
  readonly #received: (string | Buffer)[] = [];
  readonly #waiting: ((frame: string | Buffer) => void)[] = [];

  constructor(url: string, protocols: string[] = [], options: ClientOptions = {}) {
    this.websocket = new WebSocket(url.replace(/^http/, "ws"), protocols, options);
    this.websocket.on("message", (bytes: Buffer, isBinary) => {
      const frame = isBinary ? bytes : bytes.toString();
      const waiting = this.#waiting.shift();
      if (waiting) waiting(frame);
      else this.#received.push(frame);
    });
    this.websocket.on("error", () => {});
    this.closed = new Promise((resolve) => {
      this.websocket.once("close", (code, reason) => resolve({ code, reason: String(reason) }));
    });
  }

  /** Resolves once the upgrade is accepted. */
  static async open(url: string, protocols?: string[], options?: ClientOptions): Promise<Client> {
    const client = new Client(url, protocols, options);
    await once(client.websocket, "open");
    return client;
  }

  /** Resolves with the response that refuses the upgrade. */
  static async refused(url: string, options?: ClientOptions): Promise<Refused> {
    const { websocket } = new Client(url, [], options);
    const [, response] = await once(websocket, "unexpected-response");
    let body = "";
    for await (const chunk of response) body += chunk;
    return { status: response.statusCode, body: body.trim() };
  }

  /** Takes a frame that has arrived. */
  received(): string | Buffer | undefined {
    return this.#received.shift();
  }

  next(): Promise<string | Buffer> {
    const frame = this.#received.shift();
    if (frame !== undefined) return Promise.resolve(frame);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async take(count: number): Promise<(string | Buffer)[]> {
    const frames: (string | Buffer)[] = [];
    while (frames.length < count) frames.push(await this.next());
    return frames;
  }

  send(frame: string | Uint8Array): void {
    this.websocket.send(frame);
  }

  async close(code?: number, reason?: string): Promise<Closed> {
    this.websocket.close(code, reason);
    return this.closed;
  }
}
