import type { Duplex } from "node:stream";
import { WebSocket } from "ws";
import { type AcceptOptions, CloseCode, type Frame } from "../../actors/index.ts";
import type { SocketSettings } from "../consumer-settings.ts";
import type { Refusal } from "../http-response.ts";
import type { CountedLimit } from "../limits/limits.ts";
import { TrafficLimit } from "../limits/traffic-limit.ts";
import type { RuntimeContext } from "../runtime-context.ts";
import { checkAccept, type Handshake } from "./handshake.ts";
import type { HeartbeatTarget } from "./heartbeat.ts";
import {
  arrivedBytes,
  countFrames,
  hasUnfinishedMessage,
  type MessageParser,
  unfinishedBytes,
  unpinFragments,
} from "./message-parser.ts";
import { Outbox, type OutboxContext } from "./outbox.ts";
import { PacedReader, sliceBytes } from "./paced-reader.ts";
import { answerPing } from "./pongs.ts";
import type { ControlTransport, Trailer, TransportListener } from "./transport.ts";
import { type MessageSource, UnfinishedMessage } from "./unfinished-message.ts";

type SocketContext = OutboxContext &
  Pick<RuntimeContext, "clock" | "heartbeat" | "limits" | "lostSockets" | "unfinishedBytes">;

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
  readonly #settings: SocketSettings;
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
  #frameLimit: TrafficLimit | undefined;
  #byteLimit: TrafficLimit | undefined;
  /** The number of answered pings that were not charged to the limit of frames. */
  #freePongs = 0;

  constructor(
    handshake: Handshake,
    offered: readonly string[],
    settings: SocketSettings,
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
    const { outbox, traffic } = this.#settings;
    this.#outbox = new Outbox(websocket, handshake.socket, this.#context, outbox, listener);
    this.#frameLimit = new TrafficLimit(this.#context.clock, traffic.frames);
    this.#byteLimit = new TrafficLimit(this.#context.clock, traffic.bytes);
    this.#heartbeatSlot = this.#context.heartbeat.add(this);
    (websocket as TransportWebSocket)[transport] = this;
    this.#readInSlices(websocket);
    // The bytes that the WebSocket of Bun reads are not counted by its socket.
    if (this.#socket.bytesRead === undefined || this.#parser === undefined) {
      websocket.on("ping", onActivity).on("pong", onActivity).on("message", onActivity);
    }
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
    countFrames(parser, this);
    socket.off("data", parse);
    (socket as TransportSocket)[transport] = this;
    socket.on("data", onData);
  }

  reject(refusal: Refusal): void {
    if (this.#handshake?.refuse(refusal)) this.#context.counters.refuse(refusal);
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
    this.#websocket?.close(code, reason);
  }

  /** Writes the waiting frames, because a close frame follows. */
  finish(): void {
    this.#outbox?.finish();
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

  /** Called when the client has sent data, but only if the socket does not count bytes. */
  active(): void {
    this.#wasActive = true;
  }

  read(chunk: Buffer): void {
    // When a socket has closed, the rest of its buffer is discarded.
    if (this.#socket.destroyed) return;
    if (this.#websocket?.readyState !== WebSocket.OPEN) this.#readAfterClose(chunk);
    else if (this.#byteLimit?.take(this.#parse(chunk)) === false) {
      this.#onFlood("maxBytesPerSecond", "Too many bytes");
    }
  }

  /** @returns the number of parsed bytes. The others are read again later. */
  #parse(chunk: Buffer): number {
    let parsed = chunk.length;
    if (this.#socket.isPaused()) this.#reader?.parse(chunk);
    else if (chunk.length > sliceBytes) parsed = this.#pacedReader?.read(chunk) ?? parsed;
    else if (this.#parser?.writable && !this.#parser.write(chunk)) this.#socket.pause();
    if (this.#parser !== undefined && hasUnfinishedMessage(this.#parser)) {
      unpinFragments(this.#parser);
      this.#watchMessage();
    } else this.#unfinishedMessage?.settle();
    this.#settings.outbox.counts.bytesIn += parsed;
    return parsed;
  }

  /** Called by the parser for each WebSocket frame. */
  countFrame(): void {
    if (this.#frameLimit?.take(1) === false && !this.#forgivePongs()) {
      this.#onFlood("maxFramesPerSecond", "Too many frames");
    }
  }

  /** The client has to answer as many pings as the runtime sends, so their answers are free. */
  #forgivePongs(): boolean {
    const free = (this.#outbox?.answeredPings ?? 0) - this.#freePongs;
    this.#freePongs += free;
    return this.#frameLimit?.give(free) === true;
  }

  #onFlood(limit: CountedLimit, reason: string): void {
    if (this.#websocket?.readyState !== WebSocket.OPEN) return;
    this.#context.counters.limit(limit);
    this.listener?.exceeded(CloseCode.flood, reason);
  }

  #watchMessage(): void {
    const { listener } = this;
    if (listener === undefined) return;
    this.#unfinishedMessage ??= new UnfinishedMessage(this, listener, this.#context);
    this.#unfinishedMessage.watch();
  }

  /**
   * Limits the work for a client that goes on sending after the close frame. The server ends its half of the
   * connection and reads on for a while, because to cut the connection with unread bytes would reset it, and
   * the reset could overtake the close frame.
   */
  #readAfterClose(chunk: Buffer): void {
    this.#bytesAfterClose += this.#bytesAfterClose < maxParsedAfterClose ? this.#parse(chunk) : chunk.length;
    if (this.#bytesAfterClose < maxParsedAfterClose) return;
    if (this.#bytesAfterClose >= maxReadAfterClose) this.terminate();
    // The close frame may still wait for the compression of earlier frames.
    else if (this.#websocket?.bufferedAmount === 0) this.#socket.end();
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

  get arrivedBytes(): number {
    return this.#parser === undefined ? 0 : arrivedBytes(this.#parser);
  }

  get isPaused(): boolean {
    return this.#websocket?.isPaused === true || this.#socket.readableLength > 0;
  }

  get hasUnfinishedMessage(): boolean {
    const parser = this.#parser;
    if (parser === undefined || !hasUnfinishedMessage(parser)) return false;
    return this.#websocket?.readyState === WebSocket.OPEN;
  }

  get unfinishedBytes(): number {
    return this.#parser === undefined ? 0 : unfinishedBytes(this.#parser);
  }

  // ---- The heartbeat

  hadActivity(): boolean {
    // Any byte counts as activity, because a large frame may take longer than an interval to arrive.
    const { bytesRead = 0 } = this.#socket;
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

/**
 * The WebSocket of a transport. It writes the waiting frames before its close frame, also if ws closes it because of
 * the client: the client gets the replies to the frames before its close frame, or before its violation.
 */
export class TransportWebSocket extends WebSocket {
  declare [transport]: SocketTransport | undefined;

  override close(code?: number, reason?: string | Buffer): void {
    if (this.readyState === WebSocket.OPEN) this[transport]?.finish();
    super.close(code, reason);
  }
}

interface TransportSocket extends Duplex {
  [transport]: SocketTransport;
}

function onData(this: Duplex, chunk: Buffer): void {
  (this as TransportSocket)[transport].read(chunk);
}

function onActivity(this: WebSocket): void {
  (this as TransportWebSocket)[transport]?.active();
}

function onMessage(this: WebSocket, bytes: Buffer, isBinary: boolean): void {
  (this as TransportWebSocket)[transport]?.receive(isBinary ? bytes : bytes.toString());
}

function onError(this: WebSocket, error: Error & { readonly code?: string }): void {
  (this as TransportWebSocket)[transport]?.errored(error);
}

function onClose(this: WebSocket, code: number, reason: Buffer): void {
  (this as TransportWebSocket)[transport]?.closed(code, reason.toString());
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
