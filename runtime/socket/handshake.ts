import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import type { AcceptOptions } from "../../actors/index.ts";
import { AcceptError } from "../errors.ts";
import {
  bytesWritten,
  framingHeaders,
  headerProblem,
  type Refusal,
  refuseUpgrade,
} from "../http-response.ts";
import type { Flushable } from "../scheduler/flush-queue.ts";

/**
 * An upgrade request that is not answered yet. Data from the client stays unread in the socket's buffer.
 * While data is unread, a disconnect is not noticed.
 */
export class Handshake implements Flushable {
  readonly socket: Duplex;
  /** Called once if the client disconnects before the answer. */
  onLost: (() => void) | undefined;
  /** The options of the response. Set by {@link accept}. */
  options: AcceptOptions = {};
  /** Makes ws answer with 101 and create {@link websocket}. Undefined if ws has refused the request. */
  complete: (() => void) | undefined;
  websocket: WebSocket | undefined;
  /** Whether the client speaks the protocol of sessions, so that it is refused inside of its socket. */
  hasSessions = false;
  /** The request, for the event of a refusal. */
  request: IncomingMessage | undefined;
  readonly #written: number;
  readonly #onTaken: () => void;
  #isSettled = false;
  #isWatching = false;

  /** @param onTaken called if another listener of the server has answered. Then the socket is its own. */
  constructor(socket: Duplex, onTaken: () => void) {
    this.socket = socket;
    this.#written = bytesWritten(socket);
    this.#onTaken = onTaken;
  }

  /** Starts to watch for a disconnect. Most upgrades are answered before this call, in their first turn. */
  flush(): void {
    if (this.#isSettled) return;
    if (this.socket.destroyed || this.socket.readableEnded) {
      this.#onDisconnect();
      return;
    }
    this.#isWatching = true;
    this.socket.on("end", this.#onDisconnect);
    this.socket.on("close", this.#onDisconnect);
  }

  /** Whether the upgrade was answered (also by another listener), or the client has disconnected. */
  get isSettled(): boolean {
    return this.#isSettled;
  }

  /**
   * Answers with 101. Returns undefined if the client has disconnected or another listener has answered. Then
   * {@link onLost} was called.
   */
  accept(options: AcceptOptions): WebSocket | undefined {
    if (this.#isSettled) return undefined;
    this.options = options;
    this.#settle();
    if (!this.#isTaken()) this.complete?.();
    if (!this.websocket) this.onLost?.();
    return this.websocket;
  }

  /** Answers with a refusal. Returns false if the upgrade is settled or another listener has answered. */
  refuse(refusal: Refusal): boolean {
    if (this.#isSettled) return false;
    this.#settle();
    if (this.#isTaken()) return false;
    refuseUpgrade(this.socket, refusal);
    return true;
  }

  #settle(): void {
    this.#isSettled = true;
    if (!this.#isWatching) return;
    this.socket.off("end", this.#onDisconnect);
    this.socket.off("close", this.#onDisconnect);
  }

  #isTaken(): boolean {
    const { allowHalfOpen, readableEnded, writableEnded } = this.socket;
    // Without `allowHalfOpen`, the end of the client's data ends the socket, too.
    const isEnded = writableEnded && (allowHalfOpen || !readableEnded);
    const isTaken = isEnded || bytesWritten(this.socket) !== this.#written;
    if (isTaken) this.#onTaken();
    return isTaken;
  }

  readonly #onDisconnect = (): void => {
    this.#settle();
    if (!this.#isTaken()) this.socket.destroy();
    this.onLost?.();
  };
}

const handshakeHeaders = new Set([
  ...framingHeaders,
  "sec-websocket-accept",
  "sec-websocket-extensions",
  "sec-websocket-protocol",
]);

/** @throws {AcceptError} if the client did not offer the subprotocol, or if a header is not allowed. */
export function checkAccept({ subprotocol, headers = {} }: AcceptOptions, offered: readonly string[]): void {
  if (subprotocol !== undefined && !offered.includes(subprotocol)) {
    throw new AcceptError(
      `The client did not offer the subprotocol "${subprotocol}", so it would refuse the connection. ` +
        (offered.length > 0 ? `It offered: ${offered.join(", ")}.` : "It offered none."),
    );
  }
  const problem = headerProblem(headers, handshakeHeaders);
  if (problem !== undefined) throw new AcceptError(problem);
}
