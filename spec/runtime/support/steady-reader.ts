import { connect, type Socket } from "node:net";
import { encodeFrame, Opcode, upgradeRequest } from "../../support/raw-websocket.ts";

/** A client that reads only as many bytes as a spec tells it to. Answers the pings among these bytes. */
export class SteadyReader {
  readonly socket: Socket;
  /** Number of bytes that were sent as answers to pings. */
  answeredBytes = 0;
  /** The code of the close frame that was read. */
  closeCode: number | undefined;
  /** The bytes that the spec has not read yet. The socket is paused while there are any. */
  #unread: Buffer = Buffer.alloc(0);
  /** The bytes that are not parsed yet. */
  #bytes: Buffer = Buffer.alloc(0);
  /** Number of bytes of the current payload that are not read yet. */
  #left = 0;
  #wake = () => {};

  private constructor(url: string) {
    this.socket = connect(Number(new URL(url).port), "127.0.0.1").setNoDelay();
    this.socket.on("error", () => {});
    this.socket.on("close", () => this.#wake());
    this.socket.on("data", (chunk) => {
      this.#unread = Buffer.concat([this.#unread, chunk]);
      this.socket.pause();
      this.#wake();
    });
  }

  static async open(url: string, headers: Readonly<Record<string, string>> = {}): Promise<SteadyReader> {
    const reader = new SteadyReader(url);
    const { pathname, search } = new URL(url);
    reader.socket.write(upgradeRequest(`${pathname}${search}`, headers));
    let answer = "";
    while (!answer.endsWith("\r\n\r\n")) answer += (await reader.#take(1)).toString("latin1");
    return reader;
  }

  /** Reads `size` bytes, and answers the pings. @throws if the connection ends. */
  async read(size: number): Promise<void> {
    const step = 10_000;
    for (let left = size; left > 0; left -= step) this.#parse(await this.#take(Math.min(left, step)));
  }

  async #take(size: number): Promise<Buffer> {
    while (this.#unread.length < size) {
      if (this.socket.destroyed) throw new Error("The server ended the connection.");
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        this.socket.resume();
      });
    }
    const bytes = this.#unread.subarray(0, size);
    this.#unread = this.#unread.subarray(size);
    return bytes;
  }

  #parse(bytes: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    for (;;) {
      const skipped = Math.min(this.#left, this.#bytes.length);
      this.#left -= skipped;
      this.#bytes = this.#bytes.subarray(skipped);
      if (this.#bytes.length < 2) return;
      const [flags = 0, short = 0] = this.#bytes;
      const opcode = flags & 0x0f;
      const head = short === 127 ? 10 : short === 126 ? 4 : 2;
      if (this.#bytes.length < head + (opcode >= Opcode.close ? short : 0)) return;
      this.#left = short;
      if (short === 126) this.#left = this.#bytes.readUInt16BE(2);
      if (short === 127) this.#left = Number(this.#bytes.readBigUInt64BE(2));
      const payload = this.#bytes.subarray(head, head + short);
      if (opcode === Opcode.close) this.closeCode = payload.readUInt16BE();
      if (opcode === Opcode.ping) this.#answer(payload);
      this.#bytes = this.#bytes.subarray(head);
    }
  }

  #answer(payload: Buffer): void {
    const pong = encodeFrame(Opcode.pong, payload);
    this.socket.write(pong);
    this.answeredBytes += pong.length;
  }
}
