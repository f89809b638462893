import { ok } from "node:assert/strict";
import { isUtf8 } from "node:buffer";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { constants, inflateRawSync } from "node:zlib";
import { expect } from "chai";

/** A message or a control frame. */
export interface WireFrame {
  readonly opcode: number;
  /** The payload of all fragments, decompressed if it was compressed. */
  readonly payload: Buffer;
  /** The size of the payload on the wire, in bytes. */
  readonly wireLength: number;
  readonly compressed: boolean;
}

interface FrameHead {
  readonly fin: boolean;
  readonly opcode: number;
  readonly compressed: boolean;
}

export const Opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface FrameFlags {
  readonly fin?: boolean;
  readonly rsv1?: boolean;
}

export function upgradeRequest(
  target: string,
  headers: Readonly<Record<string, string>> = {},
  method = "GET",
): string {
  const lines = Object.entries({
    Host: "127.0.0.1",
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${target} HTTP/1.1\r\n${lines.join("")}\r\n`;
}

/** Encodes a frame of a client. Several frames can be sent in one write. */
export function encodeFrame(
  opcode: number,
  payload: Uint8Array | string = "",
  { fin = true, rsv1 = false }: FrameFlags = {},
): Buffer {
  const bytes = Buffer.from(payload);
  const { length } = bytes;
  const head = Buffer.alloc(length > 65_535 ? 14 : length > 125 ? 8 : 6);
  head[0] = (fin ? 0x80 : 0) | (rsv1 ? 0x40 : 0) | opcode;
  head[1] = 0x80 | (length > 65_535 ? 127 : length > 125 ? 126 : length);
  if (length > 65_535) head.writeBigUInt64BE(BigInt(length), 2);
  else if (length > 125) head.writeUInt16BE(length, 2);
  const mask = [0x12, 0x34, 0x56, 0x78];
  head.set(mask, head.length - 4);
  for (let index = 0; index < length; index += 1) {
    bytes[index] = (bytes[index] ?? 0) ^ (mask[index & 3] ?? 0);
  }
  return Buffer.concat([head, bytes]);
}

const open = new Set<RawWebSocket>();

/** Ends all clients, for `afterEach`. The clients do not answer a close frame by themselves. */
export async function destroyRawWebSockets(): Promise<void> {
  await Promise.all([...open].map((client) => client.destroy()));
}

/**
 * A client that is a bare TCP connection. Checks each frame against RFC 6455, sections 5.2 and 5.4: the frame
 * is not masked, has no reserved bits (except RSV1 at the start of a compressed message), and has the shortest
 * form of the length. Only a message of more than 65,535 bytes has fragments. A text is UTF-8.
 *
 * Answers the numbered pings with which the server measures the progress of its clients.
 */
export class RawWebSocket {
  readonly socket: Socket;
  /** The response to the upgrade, up to the empty line. */
  answer = "";
  #chunks: Buffer[] = [];
  #size = 0;
  #needed = 1;
  #ended = false;
  #fragments: Buffer[] = [];
  #first: FrameHead | undefined;
  #wake = () => {};

  private constructor(url: string) {
    const { port } = new URL(url);
    this.socket = connect(Number(port), "127.0.0.1").setNoDelay();
    this.socket.on("data", (chunk) => {
      this.#chunks.push(chunk);
      this.#size += chunk.length;
      if (this.#size >= this.#needed) this.#wake();
    });
    this.socket.on("error", () => {});
    this.socket.on("close", () => {
      this.#ended = true;
      this.#wake();
    });
  }

  /**
   * Resolves with the response, which may be a refusal.
   * @param early frames that are sent with the request, in the same write.
   */
  static async open(
    url: string,
    headers: Readonly<Record<string, string>> = {},
    early: Uint8Array = Buffer.alloc(0),
  ): Promise<RawWebSocket> {
    const client = new RawWebSocket(url);
    open.add(client);
    const { pathname, search } = new URL(url);
    client.socket.write(Buffer.concat([Buffer.from(upgradeRequest(`${pathname}${search}`, headers)), early]));
    let end = -1;
    while (end < 0) {
      const bytes = await client.#peek(client.#size + 1);
      if (bytes === undefined) throw new Error("The server ended the connection without an answer.");
      end = bytes.indexOf("\r\n\r\n");
    }
    client.answer = client.#take(end + 4).toString("latin1");
    return client;
  }

  get extensions(): string {
    return /^sec-websocket-extensions: (.*)\r$/im.exec(this.answer)?.[1] ?? "";
  }

  get compresses(): boolean {
    return this.extensions.startsWith("permessage-deflate");
  }

  /**
   * The next message or control frame; undefined once the server has ended the connection.
   * @throws if a frame is invalid.
   */
  async next(): Promise<WireFrame | undefined> {
    for (;;) {
      const frame = await this.#nextFrame();
      if (frame === undefined) return undefined;
      const { fin, opcode, payload } = frame;
      if (opcode >= Opcode.close) {
        if (opcode !== Opcode.ping || payload.length !== 4) return { ...frame, wireLength: payload.length };
        this.send(Opcode.pong, payload);
        continue;
      }
      ok((opcode === Opcode.continuation) === (this.#first !== undefined), "a wrong place in its message");
      this.#first ??= frame;
      this.#fragments.push(payload);
      if (fin) return this.#message(this.#first);
    }
  }

  #message({ opcode, compressed }: FrameHead): WireFrame {
    const bytes = Buffer.concat(this.#fragments);
    const isFragmented = this.#fragments.length > 1;
    this.#fragments = [];
    this.#first = undefined;
    const payload = compressed ? inflateRawSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH }) : bytes;
    ok(isFragmented === payload.length > 65_535, `${payload.length} bytes, fragmented: ${isFragmented}`);
    if (opcode === Opcode.text) ok(isUtf8(payload), "text that is not UTF-8");
    return { opcode, payload, wireLength: bytes.length, compressed };
  }

  async #nextFrame(): Promise<(FrameHead & { readonly payload: Buffer }) | undefined> {
    const head = await this.#peek(2);
    if (head === undefined) {
      expect(this.#size, "bytes after the last frame").to.equal(0);
      return undefined;
    }
    const [flags = 0, short = 0] = head;
    const opcode = flags & 0x0f;
    const { continuation, text, binary, close, ping, pong } = Opcode;
    const compressed = this.compresses && (opcode === text || opcode === binary) && (flags & 0x40) !== 0;
    const fin = (flags & 0x80) !== 0;
    // Uses `ok` instead of chai, because chai would take most of the time.
    ok((flags & 0x70) === (compressed ? 0x40 : 0), `reserved bits: the first byte is ${flags}`);
    ok([continuation, text, binary, close, ping, pong].includes(opcode as 1), `opcode ${opcode}`);
    ok((short & 0x80) === 0, "masked");
    if (opcode >= close) ok(fin && short <= 125, `a control frame of ${short} bytes`);
    const headLength = short === 127 ? 10 : short === 126 ? 4 : 2;
    const start = await this.#whole(headLength);
    let length = short;
    if (short === 126) length = start.readUInt16BE(2);
    if (short === 127) length = Number(start.readBigUInt64BE(2));
    if (short === 126) ok(length >= 126, `length ${length} in 16 bits`);
    if (short === 127) ok(length >= 65_536, `length ${length} in 64 bits`);
    await this.#whole(headLength + length);
    const payload = this.#take(headLength + length).subarray(headLength);
    return { fin, opcode, compressed, payload };
  }

  async rest(): Promise<WireFrame[]> {
    const frames: WireFrame[] = [];
    for (let frame = await this.next(); frame !== undefined; frame = await this.next()) frames.push(frame);
    return frames;
  }

  send(opcode: number, payload: Uint8Array | string = "", flags: FrameFlags = {}): void {
    this.socket.write(encodeFrame(opcode, payload, flags));
  }

  async destroy(): Promise<void> {
    open.delete(this);
    if (this.socket.closed) return;
    this.socket.destroy();
    await once(this.socket, "close");
  }

  async #whole(length: number): Promise<Buffer> {
    const bytes = await this.#peek(length);
    if (bytes === undefined) throw new Error("The server ended the connection within a frame.");
    return bytes;
  }

  /** At least the next `length` bytes, or undefined if the connection ends before they arrive. */
  async #peek(length: number): Promise<Buffer | undefined> {
    this.#needed = length;
    while (this.#size < length && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#size < length ? undefined : this.#gather(length);
  }

  #take(length: number): Buffer {
    const bytes = this.#gather(length);
    this.#chunks[0] = bytes.subarray(length);
    this.#size -= length;
    return bytes.subarray(0, length);
  }

  /** The first chunk, grown to `length` bytes. */
  #gather(length: number): Buffer {
    const [first] = this.#chunks;
    if (first !== undefined && first.length >= length) return first;
    const bytes = Buffer.concat(this.#chunks);
    this.#chunks = [bytes];
    return bytes;
  }
}
