import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import {
  type ClientControl,
  controlText,
  isControl,
  type ServerControl,
} from "../../../protocol/control-frames.ts";
import { sessionProtocol } from "../../../protocol/subprotocols.ts";

/** A server that does only what a spec says, one step at a time. */
export class ScriptedServer {
  readonly #server = createServer();
  readonly #sockets = new WebSocketServer({ noServer: true, handleProtocols: () => sessionProtocol });
  readonly #peers: Peer[] = [];
  readonly #waiting: ((peer: Peer) => void)[] = [];
  /** The HTTP statuses for the next upgrades. */
  readonly refusals: number[] = [];
  /** The number of upgrades. */
  upgrades = 0;

  constructor() {
    this.#server.on("upgrade", (request, socket, head) => {
      this.upgrades += 1;
      const status = this.refusals.shift();
      if (status !== undefined) socket.end(`HTTP/1.1 ${status} Refused\r\nConnection: close\r\n\r\n`);
      else
        this.#sockets.handleUpgrade(request, socket, head, (webSocket) => {
          const peer = new Peer(webSocket, request);
          const next = this.#waiting.shift();
          if (next) next(peer);
          else this.#peers.push(peer);
        });
    });
  }

  async listen(): Promise<this> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The next socket that a client opens. */
  peer(): Promise<Peer> {
    const peer = this.#peers.shift();
    return peer ? Promise.resolve(peer) : new Promise((resolve) => this.#waiting.push(resolve));
  }

  close(): void {
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

type Received = string | Buffer;

/** The server's end of one socket. */
export class Peer {
  readonly request: IncomingMessage;
  /** Resolves once the socket is closed. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  /** The frames that have arrived and were not read. */
  readonly unread: Received[] = [];
  readonly #socket: WebSocket;
  readonly #waiting: ((frame: Received) => void)[] = [];

  constructor(socket: WebSocket, request: IncomingMessage) {
    this.request = request;
    this.#socket = socket;
    this.closed = new Promise((resolve) => {
      socket.on("close", (code, reason) => resolve({ code, reason: String(reason) }));
    });
    socket.on("error", () => {});
    socket.on("message", (data: Buffer, isBinary) => {
      const frame = isBinary ? data : data.toString();
      const next = this.#waiting.shift();
      if (next) next(frame);
      else this.unread.push(frame);
    });
  }

  /** The subprotocols that the client offers. */
  get offered(): string[] {
    return (this.request.headers["sec-websocket-protocol"] ?? "").split(/, */);
  }

  /** The next frame of the client. */
  read(): Promise<Received> {
    const frame = this.unread.shift();
    return frame === undefined
      ? new Promise((resolve) => this.#waiting.push(resolve))
      : Promise.resolve(frame);
  }

  /** The next frame of the client, which has to be a control frame. */
  async readControl(): Promise<ClientControl> {
    const frame = await this.read();
    if (typeof frame !== "string" || !isControl(frame)) throw new Error(`Not a control frame: ${frame}`);
    return JSON.parse(frame.slice(1));
  }

  async readJson(): Promise<Record<string, unknown>> {
    return JSON.parse(String(await this.read()));
  }

  send(data: string | Uint8Array): void {
    this.#socket.send(data);
  }

  sendJson(value: unknown): void {
    this.send(JSON.stringify(value));
  }

  control(frame: ServerControl): void {
    this.send(controlText(frame));
  }

  /** Begins a session. */
  hello(
    changes: Partial<ServerControl & { c: "hello" }> & { readonly refusesSessions?: boolean } = {},
  ): void {
    const { refusesSessions, ...fields } = changes;
    this.control({
      c: "hello",
      ...(!refusesSessions && { session: "node.secret" }),
      resumeMs: 60_000,
      maxBytes: 1_048_576,
      maxPayload: 65_536,
      window: 64,
      beatMs: 25_000,
      ...fields,
    });
  }

  close(code: number, reason = ""): void {
    this.#socket.close(code, reason);
  }

  /** Breaks the connection without a close frame. */
  cut(): void {
    this.#socket.terminate();
  }
}
