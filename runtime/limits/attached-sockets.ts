import type { EventEmitter } from "node:events";
import { Server } from "node:http";
import type { Socket } from "node:net";
import { responseOf, surviveErrors } from "../http-response.ts";
import type { ConnectionLimits } from "./connection-limits.ts";

/** The checks of a server that expects requests of HTTP/1.1. */
interface RequestTimeouts {
  headersTimeout?: number;
  connectionsCheckingInterval?: number;
}

/**
 * Applies the limits to the sockets of a server, from the connection on. Returns a function that ends this for new
 * sockets.
 *
 * A socket past a limit gets a response of HTTP/1.1 and is destroyed. If the server speaks TLS or HTTP/2, the socket
 * is destroyed without a response, because a response would need a handshake, which costs more than all the rest.
 */
export function limitSockets(
  server: EventEmitter & RequestTimeouts,
  connectionLimits: ConnectionLimits,
  { connectTimeoutMs }: { readonly connectTimeoutMs: number },
): () => void {
  const speaksPlainHttp = server instanceof Server;
  const onConnection = (socket: Socket) => {
    // Another runtime on this server may have refused the socket.
    if (socket.destroyed) return;
    const refusal = connectionLimits.addSocket(socket);
    if (refusal !== undefined) {
      surviveErrors(socket);
      // The response leaves at once. `end` would let the server read and handle the request of the socket.
      if (speaksPlainHttp) socket.write(responseOf(refusal));
      socket.destroy();
    } else if (!speaksPlainHttp) cutIfSilent(socket, connectTimeoutMs);
  };
  connectionLimits.addServer(server);
  // First, so that the other listeners find a refused socket destroyed.
  server.prependListener("connection", onConnection);
  const restore = shortenTimeouts(server, connectTimeoutMs);
  return () => {
    server.off("connection", onConnection);
    connectionLimits.removeServer(server);
    restore();
  };
}

/** Cuts a socket that has sent no byte in time. Node lets a client take 120 s for its TLS handshake. */
function cutIfSilent(socket: Socket, ms: number): void {
  socket.setTimeout(ms, () => {
    socket.setTimeout(0);
    if (socket.bytesRead === 0) socket.destroy();
  });
}

/**
 * Makes Node cut a socket that has not sent the head of its request in time. By default, Node lets it take 60 s, and
 * checks this every 30 s. The time between two checks can be changed only before the server listens.
 */
function shortenTimeouts(server: RequestTimeouts, ms: number): () => void {
  const { headersTimeout, connectionsCheckingInterval } = server;
  // A server of HTTP/2 only has no such time.
  if (headersTimeout === undefined || connectionsCheckingInterval === undefined) return () => {};
  if (headersTimeout !== 0 && headersTimeout <= ms) return () => {};
  server.headersTimeout = ms;
  server.connectionsCheckingInterval = Math.min(connectionsCheckingInterval, Math.ceil(ms / 8));
  return () => {
    if (server.headersTimeout === ms) server.headersTimeout = headersTimeout;
  };
}
