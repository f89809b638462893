import type { Duplex } from "node:stream";
import { WebSocket } from "ws";
import { type AcceptOptions, CloseCode, type Frame } from "../../actors/index.ts";
import type { OutboxSettings } from "../consumer-settings.ts";
import type { Refusal } from "../http-response.ts";
import type { RuntimeContext } from "../runtime-context.ts";
import { checkAccept, type Handshake } from "./handshake.ts";
import type { HeartbeatTarget } from "./heartbeat.ts";
import { hasUnfinishedMessage, type MessageParser, unpinFragments } from "./message-parser.ts";
import { Outbox, type OutboxContext } from "./outbox.ts";
import { PacedReader, sliceBytes } from "./paced-reader.ts";
import { answerPing } from "./pongs.ts";
import type { ControlTransport, Trailer, TransportListener } from "./transport.ts";
import { type MessageSource, UnfinishedMessage } from "./unfinished-message.ts";

type SocketContext = OutboxContext & Pick<RuntimeContext, "heartbeat" | "limits" | "lostSockets">;

/**
 * After a close frame was sent, at most this many bytes of the client are parsed, to find the client's own
 * close frame: as many as a client sends in 80 ms at 100 Mbit/s. More bytes are read, but not parsed.
 */
const maxParsedAfterClose = 1_048_576;
/**
 * After a close frame was sent, at most this many bytes of the client are read. More than the 10 MiB that a
 * client and a server with Linux's default limits can have in the buffers of a TCP connection.
 */
const maxReadAfterClose = 16 * 1_048_576;

/** The transport over a WebSocket. Holds the upgrade request until `accept`, and the WebSocket after that. */
export class SocketTransport implements ControlTransport, HeartbeatTarget, MessageSource {
  listener: TransportListener | undefined;
  readonly #context: SocketContext;
  readonly #offered: readonly string[];
  readonly #settings: OutboxSettings;
  #handshake: Handshake | undefined;
  #websocket: WebSocket | undefined;
  #outbox: Outbox | undefined;
  #parser: MessageParser | undefined;
  #reader: PacedReader | undefined;
  #unfinishedMessage: UnfinishedMessage | undefined;
  /** `bytesRead` is the number of bytes that a Node socket has read. Other streams may lack this property. */
  readonly #socket: Handshake["socket"] & { readonly bytesRead?: number };
  #wasActive = true;
  #bytesRead = 0;
  #heartbeatSlot: Set<HeartbeatTarget> | undefined;
  /** The number of bytes that were read after a close frame was sent. */
  #bytesAfterClose = 0;

  constructor(
    handshake: Handshake,
    offered: readonly string[],
    settings: OutboxSettings,
    context: SocketContext,
  ) {
    this.#handshake = handshake;
    this.#socket = handshake.socket;
    this.#offered = offered;
    this.#settings = settings;
    this.#context = context;
    handshake.onLost = () => this.#ended(CloseCode.abnormal, "The client disconnected while connecting");
  }

  accept(options: AcceptOptions): boolean {
    const { listener } = this;
    const handshake = this.#handshake;
    if (!handshake || !listener) return true;
    checkAccept(options, this.#offered);
    const websocket = handshake.accept(options);
    this.#handshake = undefined;
    if (!websocket) return true;
    this.#websocket = websocket;
    this.#outbox = new Outbox(websocket, handshake.socket, this.#context, this.#settings, listener);
    this.#heartbeatSlot = this.#context.heartbeat.add(this);
    (websocket as TransportWebSocket)[transport] = this;
    if (this.#socket.bytesRead === undefined) {
      websocket.on("ping", onActivity).on("pong", onActivity).on("message", onActivity);
    }
    this.#readInSlices(websocket);
    websocket.on("ping", answerPing).on("message", onMessage).on("error", onError).on("close", onClose);
    return options.subprotocol !== undefined || this.#offered.length === 0;
  }

  /**
   * Replaces the listener of ws for the bytes of the socket. If ws lacks `_receiver`, which is undocumented,
   * ws keeps reading the socket by itself.
   */
  #readInSlices(websocket: WebSocket): void {
    const socket = this.#socket;
    const { _receiver: parser } = websocket as { readonly _receiver?: MessageParser };
    const parse = socket.listeners("data").at(-1) as (() => void) | undefined;
    if (parser === undefined || parse === undefined) return;
    this.#parser = parser;
    socket.off("data", parse);
    (socket as TransportSocket)[transport] = this;
    socket.on("data", onData);
  }

  reject(refusal: Refusal): void {
    if (this.#handshake?.refuse(refusal)) this.#context.counters.refuse();
    this.listener?.ended();
  }

  get waitingBytes(): number {
    return this.#outbox?.waitingBytes ?? 0;
  }

  send(frame: Frame): void {
    this.#outbox?.put(frame);
  }

  writeControl(text: string): void {
    this.#outbox?.writeControl(text);
  }

  addTrailer(trailer: Trailer): void {
    this.#outbox?.addTrailer(trailer);
  }

  drained(): Promise<void> {
    return this.#outbox?.drained() ?? Promise.resolve();
  }

  close(code: number, reason: string): void {
    this.#outbox?.finish();
    this.#websocket?.close(code, reason);
  }

  terminate(): void {
    this.#websocket?.terminate();
    this.#handshake?.socket.destroy();
  }

  pause(): void {
    if (this.#pacedReader === undefined) this.#websocket?.pause();
    else this.#pacedReader.hold();
  }

  resume(): void {
    if (this.#pacedReader === undefined) this.#websocket?.resume();
    else this.#pacedReader.release();
  }

  /** Created on demand, because most clients never send much at once. */
  get #pacedReader(): PacedReader | undefined {
    if (this.#reader === undefined && this.#websocket !== undefined && this.#parser !== undefined) {
      const { scheduler } = this.#context;
      this.#reader = new PacedReader(this.#websocket, this.#parser, this.#socket, scheduler);
    }
    return this.#reader;
  }

  // ---- Called by the socket's listeners

  /** Called when the client has sent data, but only if the socket lacks `bytesRead`. */
  active(): void {
    this.#wasActive = true;
  }

  read(chunk: Buffer): void {
    // When a socket has closed, the rest of its buffer is discarded.
    if (this.#socket.destroyed) return;
    if (this.#websocket?.readyState === WebSocket.OPEN) this.#parse(chunk);
    else this.#readAfterClose(chunk);
  }

  #parse(chunk: Buffer): void {
    if (this.#socket.isPaused()) this.#reader?.parse(chunk);
    else if (chunk.length > sliceBytes) this.#pacedReader?.read(chunk);
    else if (this.#parser?.writable && !this.#parser.write(chunk)) this.#socket.pause();
    if (this.#parser !== undefined && this.hasUnfinishedMessage) {
      unpinFragments(this.#parser);
      this.#watchMessage();
    }
  }

  /** The progress of a stream that lacks `bytesRead` is unknown, so its messages have no deadline. */
  #watchMessage(): void {
    const { listener } = this;
    if (listener === undefined || this.#socket.bytesRead === undefined) return;
    this.#unfinishedMessage ??= new UnfinishedMessage(this, listener, this.#context);
    this.#unfinishedMessage.watch();
  }

  /**
   * Limits the work for a client that goes on sending after the close frame. The server ends its half of the
   * connection and reads on for a while, because to cut the connection with unread bytes would reset it, and
   * the reset could overtake the close frame.
   */
  #readAfterClose(chunk: Buffer): void {
    const socket = this.#socket;
    const waiting = socket.readableLength;
    if (this.#bytesAfterClose < maxParsedAfterClose) this.#parse(chunk);
    // The paced reader may have put a part of the chunk back into the socket's buffer.
    this.#bytesAfterClose += chunk.length - (socket.readableLength - waiting);
    if (this.#bytesAfterClose < maxParsedAfterClose) return;
    if (this.#bytesAfterClose >= maxReadAfterClose) this.terminate();
    // The close frame may still wait for the compression of earlier frames.
    else if (this.#websocket?.bufferedAmount === 0) socket.end();
  }

  receive(frame: Frame): void {
    this.#unfinishedMessage?.finished();
    this.listener?.receive(frame, this.#context.scheduler.socketBudget());
  }

  /** The client broke the protocol, or its socket broke. */
  errored(error: Error & { readonly code?: string }): void {
    if (error.code === tooManyParts) this.#context.counters.drop("unfinished");
    this.listener?.lost(closeCodeOf(error), error.message);
  }

  closed(code: number, reason: string): void {
    this.#context.lostSockets.add(() => {
      this.#unfinishedMessage?.end();
      if (this.#heartbeatSlot !== undefined) this.#context.heartbeat.remove(this, this.#heartbeatSlot);
      this.#outbox?.end();
      this.#ended(code, reason);
    });
  }

  #ended(code: number, reason: string): void {
    this.listener?.lost(code, reason);
    this.listener?.ended();
  }

  // ---- The progress of the client

  get bytesRead(): number {
    return this.#socket.bytesRead ?? 0;
  }

  get isPaused(): boolean {
    return this.#websocket?.isPaused === true || this.#socket.readableLength > 0;
  }

  get hasUnfinishedMessage(): boolean {
    const parser = this.#parser;
    if (parser === undefined || !hasUnfinishedMessage(parser)) return false;
    return this.#websocket?.readyState === WebSocket.OPEN;
  }

  // ---- The heartbeat

  hadActivity(): boolean {
    // Any byte counts as activity, because a large frame may take longer than an interval to arrive.
    const { bytesRead } = this;
    const hasRead = bytesRead > this.#bytesRead;
    this.#bytesRead = bytesRead;
    // The bytes of a paused socket are not read, so the client counts as active.
    const wasActive = this.#wasActive || hasRead || this.isPaused;
    this.#wasActive = false;
    return wasActive;
  }

  ping(): void {
    // A paused socket is pinged, too, because a write detects a broken connection.
    if (this.#websocket?.readyState === WebSocket.OPEN) this.#websocket.ping();
  }

  onTimeout(): void {
    this.listener?.lost(CloseCode.abnormal, "The client did not answer the heartbeat");
    this.terminate();
  }
}

// ---- All sockets share these listeners, because closures would take 500 bytes for each connection.

const transport = Symbol("transport");

interface TransportWebSocket extends WebSocket {
  [transport]: SocketTransport;
}

interface TransportSocket extends Duplex {
  [transport]: SocketTransport;
}

function onData(this: Duplex, chunk: Buffer): void {
  (this as TransportSocket)[transport].read(chunk);
}

function onActivity(this: WebSocket): void {
  (this as TransportWebSocket)[transport].active();
}

function onMessage(this: WebSocket, bytes: Buffer, isBinary: boolean): void {
  (this as TransportWebSocket)[transport].receive(isBinary ? bytes : bytes.toString());
}

function onError(this: WebSocket, error: Error & { readonly code?: string }): void {
  (this as TransportWebSocket)[transport].errored(error);
}

function onClose(this: WebSocket, code: number, reason: Buffer): void {
  (this as TransportWebSocket)[transport].closed(code, reason.toString());
}

// The close codes that ws sends for its errors: https://github.com/websockets/ws, doc/ws.md, "Error codes".
const protocolError = 1002;
const tooManyParts = "WS_ERR_TOO_MANY_BUFFERED_PARTS";
const closeCodes: Readonly<Record<string, number>> = {
  WS_ERR_INVALID_UTF8: 1007,
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: 1009,
  WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH: 1009,
  [tooManyParts]: CloseCode.policy,
};

function closeCodeOf({ code = "" }: { readonly code?: string }): number {
  if (!code.startsWith("WS_ERR_")) return CloseCode.abnormal;
  return closeCodes[code] ?? protocolError;
}
