import { WebSocket } from "ws";
import { type AcceptOptions, CloseCode, type Frame } from "../../actors/index.ts";
import type { OutboxSettings } from "../consumer-settings.ts";
import type { RuntimeContext } from "../runtime-context.ts";
import { checkAccept } from "./accept-check.ts";
import type { Handshake } from "./handshake.ts";
import type { Living } from "./heartbeat.ts";
import { Outbox, type OutboxOwner } from "./outbox.ts";
import type { Transport, TransportListener } from "./transport.ts";
import { listen, type SocketListener } from "./websocket-listeners.ts";

/** The way to a client over a WebSocket: first its upgrade, then, once accepted, the socket. */
export class SocketTransport implements Transport, Living, OutboxOwner, SocketListener {
  listener: TransportListener | undefined;
  readonly #context: RuntimeContext;
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
    context: RuntimeContext,
  ) {
    this.#handshake = handshake;
    this.#socket = handshake.socket;
    this.#offered = offered;
    this.#settings = settings;
    this.#context = context;
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
    this.#outbox = new Outbox(websocket, handshake.socket, this.#context, this.#settings, this);
    this.#beating = this.#context.heartbeat.add(this);
    listen(websocket, this);
  }

  // ---- what comes in

  received(bytes: Buffer, isBinary: boolean): void {
    this.listener?.receive(isBinary ? bytes : bytes.toString());
  }

  signed(): void {
    this.#gaveSign = true;
  }

  broke(code: number, reason: string): void {
    this.listener?.lost(code, reason);
  }

  closed(code: number, reason: string): void {
    if (this.#beating !== undefined) this.#context.heartbeat.remove(this, this.#beating);
    this.#outbox?.end();
    this.listener?.lost(code, reason);
    this.listener?.ended();
  }

  // ---- what goes out

  reject(status: number, reason: string): void {
    this.#context.counters.refuse();
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

  get countsBytes(): boolean {
    return this.#socket.bytesRead !== undefined;
  }

  hadActivity(): boolean {
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

  onTimeout(): void {
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
