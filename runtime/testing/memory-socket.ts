import { type AcceptOptions, CloseCode, type Frame } from "../../actors/index.ts";
import type { ControlTransport, Trailer, TransportListener } from "../socket/transport.ts";

/** The client's end of a {@link MemorySocket}. */
export interface SocketClient {
  /** The server has answered the upgrade with 101. */
  onAccepted(options: AcceptOptions): void;
  onFrame(frame: Frame, socket: MemorySocket): void;
  /** The server has closed the socket. */
  onClosed(code: number, reason: string, socket: MemorySocket): void;
}

/** The server's end of one socket of a session, without a network. Frames arrive synchronously. */
export class MemorySocket implements ControlTransport {
  readonly waitingBytes = 0;
  listener: TransportListener | undefined;
  /** Whether all that the server sends is lost, as on a dead line. */
  isDropping = false;
  readonly #client: SocketClient;
  #hasEnded = false;

  constructor(client: SocketClient) {
    this.#client = client;
  }

  // ---- Called by the server

  accept(options: AcceptOptions): boolean {
    this.#client.onAccepted(options);
    return true;
  }

  /** Sessions refuse clients inside the socket. */
  reject(): void {
    this.terminate();
  }

  send(frame: Frame): void {
    if (!this.#hasEnded && !this.isDropping) this.#client.onFrame(frame, this);
  }

  writeControl(text: string): void {
    this.send(text);
  }

  addTrailer(trailer: Trailer): void {
    queueMicrotask(() => {
      for (const text of trailer.take()) this.send(text);
    });
  }

  drained(): Promise<void> {
    return Promise.resolve();
  }

  close(code: number, reason: string): void {
    if (this.#hasEnded) return;
    if (!this.isDropping) this.#client.onClosed(code, reason, this);
    // A client that does not get the close frame cannot answer it.
    this.leave(this.isDropping ? CloseCode.abnormal : code, reason);
  }

  terminate(): void {
    this.close(CloseCode.abnormal, "");
  }

  pause(): void {}
  resume(): void {}

  // ---- Called by the client

  deliver(frame: Frame): void {
    if (!this.#hasEnded) this.listener?.receive(frame);
  }

  leave(code: number, reason: string): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.listener?.lost(code, reason);
    this.listener?.ended();
  }
}
