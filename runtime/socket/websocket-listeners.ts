import type { WebSocket } from "ws";
import { CloseCode } from "../../actors/index.ts";

/** Whose WebSocket it is. */
export interface SocketListener {
  /** Whether the socket says how much was read of it, as those of Node do. */
  readonly countsBytes: boolean;
  /** The other side has given a sign of life. Told only where the socket does not count. */
  signed(): void;
  received(bytes: Buffer, isBinary: boolean): void;
  /** It is going. */
  broke(code: number, reason: string): void;
  /** It is gone. */
  closed(code: number, reason: string): void;
}

const listener = Symbol("listener");

/** What ws calls listeners with as `this`. */
interface Heard extends WebSocket {
  [listener]: SocketListener;
}

/**
 * Has `to` hear of what happens to its socket. The listeners are the same for all connections, since five functions for each
 * would take 500 bytes of it.
 */
export function listen(websocket: WebSocket, to: SocketListener): void {
  (websocket as Heard)[listener] = to;
  if (!to.countsBytes) websocket.on("ping", onSign).on("pong", onSign).on("message", onSign);
  websocket.on("message", onMessage).on("error", onError).on("close", onClose);
}

function onSign(this: WebSocket): void {
  (this as Heard)[listener].signed();
}

function onMessage(this: WebSocket, bytes: Buffer, isBinary: boolean): void {
  (this as Heard)[listener].received(bytes, isBinary);
}

function onError(this: WebSocket, error: Error & { readonly code?: string }): void {
  (this as Heard)[listener].broke(closeCodeOf(error), error.message);
}

function onClose(this: WebSocket, code: number, reason: Buffer): void {
  (this as Heard)[listener].closed(code, reason.toString());
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
