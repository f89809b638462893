import { connect, type Socket } from "node:net";
import { withTimeout } from "../../../layers/with-timeout.ts";
import { mark } from "../../../protocol/control-frames.ts";
import { Acknowledger } from "./acknowledger.ts";
import { type ClientProtocol, pong } from "./client-protocol.ts";
import { FrameReader, opcodes } from "./frame-reader.ts";
import { leastSize } from "./message-text.ts";

/**
 * Receives a text that arrived at `atMs`. The text is in `bytes`, from `start` up to but not including `end`.
 * The bytes may be overwritten after the call.
 */
export type TextListener = (bytes: Buffer, start: number, end: number, atMs: number) => void;

/** The read buffer of all connections. It is parsed before the next read; incomplete frames are copied. */
const shared = Buffer.allocUnsafeSlow(65_536);

/** The first byte of a control frame of a session. */
const controlByte = mark.charCodeAt(0);

const timeoutMs = 20_000;

function inTime(work: Promise<unknown>, state: string): Promise<unknown> {
  const late = () => new Error(`A connection was not ${state} within ${timeoutMs} ms.`);
  return withTimeout(work, timeoutMs, globalThis, late);
}

/** A client that costs as little CPU as possible, because it shares the machine with the measured server. */
export class Connection {
  readonly #protocol: ClientProtocol;
  readonly #socket: Socket;
  readonly #reader: FrameReader;
  /** `undefined` if the server expects no acknowledgements. */
  readonly #acknowledger: Acknowledger | undefined;
  #head: string | undefined;
  #onOpen: (error?: Error) => void = () => {};
  #onFailure: (error: Error) => void = () => {};
  #onText: TextListener = () => {};
  #readAt = 0;
  #joined = false;
  #closing = false;
  #flooding = false;

  private constructor(port: number, protocol: ClientProtocol, rooms: string) {
    this.#protocol = protocol;
    this.#head = protocol.upgrades ? "" : undefined;
    const { acknowledgement } = protocol;
    if (acknowledgement !== undefined)
      this.#acknowledger = new Acknowledger((count) => this.#socket.write(acknowledgement(count)));
    const onFrame = this.#createFrameListener();
    this.#reader = new FrameReader((opcode, bytes, start, end) => {
      if (opcode === opcodes.text || opcode === opcodes.binary) onFrame(bytes, start, end);
      else if (opcode === opcodes.ping) this.#socket.write(pong(bytes.subarray(start, end)));
      else if (opcode === opcodes.close) this.#closedBy(bytes.toString("latin1", start, end));
    });
    this.#socket = connect({
      ...{ port, host: "127.0.0.1", noDelay: true },
      onread: { buffer: shared, callback: (length) => this.#read(shared.subarray(0, length)) },
    });
    this.#socket.on("connect", () => this.#socket.write(protocol.handshake(rooms)));
    this.#socket.on("error", (error) => this.#fail(error));
    this.#socket.on("close", () => {
      this.#acknowledger?.close();
      if (!this.#closing) this.#fail(new Error("The server closed a connection."));
    });
  }

  /** Connects. Resolves when the client has joined the rooms. @param rooms see {@link ClientProtocol} */
  static async open(port: number, protocol: ClientProtocol, rooms: string): Promise<Connection> {
    const connection = new Connection(port, protocol, rooms);
    const opened = new Promise<void>((resolve, reject) => {
      connection.#onOpen = (error) => (error === undefined ? resolve() : reject(error));
    });
    await inTime(opened, "open");
    return connection;
  }

  /** @param onFailure called when the connection ends, except by {@link close} */
  listen(onText: TextListener, onFailure: (error: Error) => void): void {
    this.#onText = onText;
    this.#onFailure = onFailure;
  }

  /** Encodes a text as a frame. Several frames may be sent in one write. */
  frame(text: string): Buffer {
    return this.#protocol.message(text);
  }

  write(frames: Buffer): void {
    this.#socket.write(frames);
  }

  /** Writes the bytes again and again, as fast as the server reads them. Ignores all bytes that arrive. */
  flood(bytes: Buffer): void {
    this.#flooding = true;
    // Calls back when the operating system has accepted the bytes.
    const write = () => {
      if (this.#socket.writable) this.#socket.write(bytes, () => setImmediate(write));
    };
    write();
  }

  /** Ends the connection without a closing handshake. */
  abort(): void {
    this.#closing = true;
    this.#socket.destroy();
  }

  /** Closes the connection. Resolves when the server has also closed it. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.#socket.destroyed) return;
    const closed = new Promise<unknown>((resolve) => this.#socket.on("close", resolve));
    if (this.#protocol.closing === undefined) this.#socket.end();
    else this.#socket.write(this.#protocol.closing);
    await inTime(closed, "closed");
  }

  #read(chunk: Buffer): boolean {
    if (this.#flooding) return true;
    // All texts in one read have the same time of arrival.
    this.#readAt = performance.now();
    try {
      const frames = this.#head === undefined ? chunk : this.#readHead(chunk);
      if (frames.length > 0) this.#reader.read(frames);
    } catch (error) {
      this.#fail(error as Error);
      this.#closing = true;
      this.#socket.destroy();
    }
    return true;
  }

  /** Reads the response to the upgrade. @returns the bytes after the response */
  #readHead(chunk: Buffer): Buffer {
    this.#head += chunk.toString("latin1");
    const end = this.#head?.indexOf("\r\n\r\n") ?? -1;
    if (end === -1) return chunk.subarray(chunk.length);
    if (!this.#head?.startsWith("HTTP/1.1 101")) throw new Error(`An upgrade was refused:\n${this.#head}`);
    const rest = this.#head.length - end - 4;
    this.#head = undefined;
    if (this.#protocol.joined === undefined) this.#join();
    return chunk.subarray(chunk.length - rest);
  }

  #createFrameListener(): (bytes: Buffer, start: number, end: number) => void {
    const { envelope, joined } = this.#protocol;
    const [before, after] = envelope.map((text) => text.length) as [number, number];
    // A shorter payload is not a text of a room.
    const leastLength = before + after + leastSize;
    const acknowledger = this.#acknowledger;
    return (bytes, start, end) => {
      if (acknowledger !== undefined) {
        if (bytes[start] === controlByte) return;
        acknowledger.receive(end - start);
      }
      if (this.#joined && end - start >= leastLength) {
        this.#onText(bytes, start + before, end - after, this.#readAt);
        return;
      }
      const payload = bytes.toString("latin1", start, end);
      const answer = this.#protocol.answer(payload);
      if (answer !== undefined) this.#socket.write(answer);
      if (payload === joined) this.#join();
    };
  }

  #join(): void {
    this.#joined = true;
    this.#onOpen();
  }

  #closedBy(reason: string): void {
    const code = reason.charCodeAt(0) * 256 + reason.charCodeAt(1);
    if (!this.#closing)
      this.#fail(new Error(`The server closed the connection with ${code} ${reason.slice(2)}.`));
    this.#closing = true;
    this.#socket.end();
  }

  #fail(error: Error): void {
    this.#onOpen(error);
    this.#onFailure(error);
  }
}
