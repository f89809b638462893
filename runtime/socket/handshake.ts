import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import type { AcceptOptions } from "../../actors/index.ts";
import { refuseUpgrade } from "../http-response.ts";
import type { Flushable } from "./flush-scheduler.ts";

/**
 * An upgrade that is not answered yet. Guards and `connect` take their time; meanwhile what the client sends waits in
 * the socket's buffer, and it is noticed if the client goes, unless it sent something before. Most are answered in the turn
 * that they come in: it is watched from the end of that on.
 */
export class Handshake implements Flushable {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  /** Called once if the client goes before it has an answer. */
  onLost: (() => void) | undefined;
  /** What goes into the answer; set when it is accepted. */
  options: AcceptOptions = {};
  /** Has ws answer with 101. Set by whoever runs ws. */
  complete: (() => void) | undefined;
  websocket: WebSocket | undefined;
  #over = false;
  #isWatched = false;

  constructor(request: IncomingMessage, socket: Duplex) {
    this.request = request;
    this.socket = socket;
  }

  flush(): void {
    if (this.#over) return;
    if (this.socket.destroyed || this.socket.readableEnded) {
      this.#onGone();
      return;
    }
    this.#isWatched = true;
    this.socket.on("end", this.#onGone);
    this.socket.on("close", this.#onGone);
  }

  /** Whether the client has its answer, or is gone. */
  get over(): boolean {
    return this.#over;
  }

  /** Answers with 101. Returns undefined if the client is gone; then {@link onLost} has been called. */
  accept(options: AcceptOptions): WebSocket | undefined {
    if (this.#over) return undefined;
    this.options = options;
    this.#unwatch();
    this.complete?.();
    if (!this.websocket) this.onLost?.();
    return this.websocket;
  }

  refuse(status: number, reason: string): void {
    if (this.#over) return;
    this.#unwatch();
    refuseUpgrade(this.socket, { status, reason });
  }

  /** Cuts the socket, answered or not. */
  destroy(): void {
    this.socket.destroy();
  }

  #unwatch(): void {
    this.#over = true;
    if (!this.#isWatched) return;
    this.socket.off("end", this.#onGone);
    this.socket.off("close", this.#onGone);
  }

  readonly #onGone = (): void => {
    this.#unwatch();
    this.socket.destroy();
    this.onLost?.();
  };
}
