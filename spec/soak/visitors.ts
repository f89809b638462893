import { WebSocket } from "ws";
import { RawClient } from "../support/raw-client.ts";
import { encodeFrame, Opcode, upgradeRequest } from "../support/raw-websocket.ts";

const text = (payload: string) => encodeFrame(Opcode.text, payload);

const closed = (socket: WebSocket) => new Promise((resolve) => socket.once("close", resolve));

/** Clients without sessions, which come and go. Each method resolves once its clients have gone. */
export class Visitors {
  readonly #url: string;
  #lastJob = 0;
  /** The numbers of the jobs whose submission the server has confirmed. */
  readonly jobs: number[] = [];
  /** The clients that were cut because they did not read. */
  stalled = 0;
  /** The echoes that came back. */
  echoes = 0;

  constructor(url: string) {
    this.#url = url;
  }

  /** Sends some texts, reads their echoes, and closes. The connection may break at any time. */
  async echo(): Promise<void> {
    await this.#exchange("/echo", ["a", "b", "c"], () => {
      this.echoes += 1;
    });
  }

  async submitJobs(): Promise<void> {
    const numbers = Array.from({ length: 5 }, () => String(++this.#lastJob));
    await this.#exchange("/jobs", numbers, (text) => this.jobs.push(Number(text)));
  }

  /** Disappears during the handshake, or right after it. */
  async vanish(): Promise<void> {
    const client = await RawClient.open(
      this.#url,
      upgradeRequest("/echo").slice(0, Math.random() < 0.5 ? 40 : 999),
    );
    client.socket.destroy();
  }

  /** Asks for much, and reads nothing. */
  async stall(): Promise<void> {
    const client = await RawClient.open(this.#url, upgradeRequest("/echo"));
    client.socket.pause();
    for (let left = 300; left > 0; left -= 1) client.socket.write(text("much"));
    await new Promise((resolve) => setTimeout(resolve, 6_000));
    client.socket.resume();
    await client.rest();
    this.stalled += 1;
  }

  /** Sends 20,000 frames at once, and reads all answers. */
  async flood(): Promise<void> {
    const client = await RawClient.open(this.#url, upgradeRequest("/echo"));
    client.socket.resume();
    client.socket.end(Buffer.concat(Array(20_000).fill(text("x"))));
    await client.rest();
  }

  async #exchange(path: string, texts: readonly string[], onText: (text: string) => void): Promise<void> {
    const socket = new WebSocket(this.#url.replace("http", "ws") + path);
    let left = texts.length;
    socket.on("error", () => {});
    socket.on("open", () => {
      for (const text of texts) socket.send(text);
    });
    socket.on("message", (data) => {
      onText(String(data));
      left -= 1;
      if (left === 0) socket.close();
    });
    const timer = setTimeout(() => socket.terminate(), 10_000);
    await closed(socket);
    clearTimeout(timer);
  }
}
