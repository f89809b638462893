import { WebSocket } from "ws";
import { type AcceptOptions, CloseCode, type Frame } from "../actors/index.ts";
import { checkAccept } from "./accept-check.ts";
import type { OutboxSettings } from "./consumer-settings.ts";
import type { Environment } from "./environment.ts";
import type { Handshake } from "./handshake.ts";
import type { Living } from "./heartbeat.ts";
import { Outbox, type OutboxOwner } from "./outbox.ts";
import type { Transport, TransportListener } from "./transport.ts";

/** The way to a client over a WebSocket: first its upgrade, then, once accepted, the socket. */
export class SocketTransport implements Transport, Living, OutboxOwner {
  listener: TransportListener | undefined;
  readonly #environment: Environment;
  readonly #offered: readonly string[];
  readonly #settings: OutboxSettings;
  #handshake: Handshake | undefined;
  #websocket: WebSocket | undefined;
  #outbox: Outbox | undefined;
  readonly #socket: Handshake["socket"] & { readonly bytesRead?: number };
  #gaveSign = true;
  #bytesRead = 0;
  #beating: Set<Living> | undefined;

  /** @param offered the subprotocols that the client can speak. */
  constructor(
    handshake: Handshake,
    offered: readonly string[],
    settings: OutboxSettings,
    environment: Environment,
  ) {
    this.#handshake = handshake;
    this.#socket = handshake.socket;
    this.#offered = offered;
    this.#settings = settings;
    this.#environment = environment;
    handshake.onLost = () => {
      this.listener?.lost(CloseCode.abnormal, "The client went away while connecting");
      this.listener?.ended();
    };
  }

  accept(options: AcceptOptions): void {
    const handshake = this.#handshake;
    if (!handshake) return;
    checkAccept(options, this.#offered);
    const websocket = handshake.accept(options);
    this.#handshake = undefined;
    if (!websocket) return;
    this.#websocket = websocket;
    this.#outbox = new Outbox(websocket, handshake.socket, this.#environment, this.#settings, this);
    this.#beating = this.#environment.heartbeat.add(this);
    // A socket that is not one of Node's may not count what it has read.
    for (const sign of ["ping", "pong"]) {
      websocket.on(sign, () => {
        this.#gaveSign = true;
      });
    }
    websocket.on("message", (bytes: Buffer, isBinary: boolean) => {
      this.#gaveSign = true;
      this.listener?.receive(isBinary ? bytes : bytes.toString());
    });
    websocket.on("error", (error: Error & { code?: string }) => {
      this.listener?.lost(closeCodeOf(error), error.message);
    });
    websocket.on("close", (code: number, reason: Buffer) => {
      if (this.#beating !== undefined) this.#environment.heartbeat.remove(this, this.#beating);
      this.#outbox?.end();
      this.listener?.lost(code, reason.toString());
      this.listener?.ended();
    });
  }

  reject(status: number, reason: string): void {
    this.#environment.counters.refuse();
    this.#handshake?.refuse(status, reason);
    this.listener?.ended();
  }

  get waitingBytes(): number {
    return this.#outbox?.waitingBytes ?? 0;
  }

  send(frame: Frame): void {
    this.#outbox?.put(frame);
  }

  close(code: number, reason: string): void {
    this.#outbox?.finish();
    this.#websocket?.close(code, reason);
  }

  lagging(): void {
    this.listener?.lagging();
  }

  failed(error: unknown): void {
    this.listener?.failed(error, "send");
  }

  terminate(): void {
    this.#websocket?.terminate();
    this.#handshake?.destroy();
  }

  // ---- the heartbeat

  takeSign(): boolean {
    // A large frame may take longer to arrive than an interval.
    const { bytesRead = 0 } = this.#socket;
    const hasRead = bytesRead > this.#bytesRead;
    this.#bytesRead = bytesRead;
    // Who is paused is not read, its signs neither.
    const gaveSign = this.#gaveSign || hasRead || this.#websocket?.isPaused === true;
    this.#gaveSign = false;
    return gaveSign;
  }

  ping(): void {
    // Written though nothing is read: to a socket that is gone, that shows it.
    if (this.#websocket?.readyState === WebSocket.OPEN) this.#websocket.ping();
  }

  vanish(): void {
    this.listener?.lost(CloseCode.abnormal, "It gave no sign of life");
    this.terminate();
  }

  pause(): void {
    this.#websocket?.pause();
  }

  resume(): void {
    this.#websocket?.resume();
  }
}

// What ws closes with when a client breaks the protocol: https://github.com/websockets/ws, doc/ws.md, "Error codes".
const protocolError = 1002;
const closeCodes: Readonly<Record<string, number>> = {
  WS_ERR_INVALID_UTF8: 1007,
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: 1009,
  WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH: 1009,
  WS_ERR_TOO_MANY_BUFFERED_PARTS: 1008,
};

function closeCodeOf({ code = "" }: { readonly code?: string }): number {
  if (!code.startsWith("WS_ERR_")) return CloseCode.abnormal;
  return closeCodes[code] ?? protocolError;
}
