import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { bytesWritten } from "../http-response.ts";
import type { Handshake } from "../socket/handshake.ts";

/** The key of the handshake of an upgrade that a runtime has begun to answer. */
export const handshakeOf = Symbol("handshake");

export interface UpgradeRequest extends IncomingMessage {
  [handshakeOf]?: Handshake;
}

/**
 * Whether a listener has answered an upgrade, or has taken over its socket: the socket has ended, bytes were
 * written to it, its data is read, a response is assigned to it, or a runtime has begun to answer.
 * @param written the result of `bytesWritten` before the listeners were called.
 */
export function isAnswered(request: UpgradeRequest, socket: Duplex, written: number): boolean {
  return (
    request[handshakeOf] !== undefined ||
    socket.destroyed ||
    socket.writableEnded ||
    socket.readableFlowing !== null ||
    bytesWritten(socket) !== written ||
    responseOn(socket)?.req === request
  );
}

/** The response to an earlier request on the same connection, if it has not ended. */
export function earlierResponse(request: IncomingMessage, socket: Duplex): ServerResponse | undefined {
  const response = responseOn(socket);
  return response?.req === request ? undefined : response;
}

function responseOn(socket: Duplex): ServerResponse | undefined {
  return (socket as { readonly _httpMessage?: ServerResponse | null })._httpMessage ?? undefined;
}
