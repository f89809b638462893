import type { Server } from "node:http";
import type { Http2SecureServer, Http2Server } from "node:http2";

/**
 * A server of `node:http`, `node:https` or `node:http2`. Frameworks type their servers as one of these.
 *
 * Upgrades belong to HTTP/1.1. A server from `http2.createSecureServer({ allowHTTP1: true })` gets them from
 * browsers and other clients, and any other server of `node:http2` gets none: WebSockets over HTTP/2 (RFC
 * 8441) are not supported.
 */
export type AttachableServer = Server | Http2Server | Http2SecureServer;

export interface AttachOptions {
  /**
   * For a path without a route, `"reject"` answers 404, and `"ignore"` leaves the upgrade to other listeners.
   * @default "reject" while the server has no other listener for upgrades, else "ignore"
   */
  readonly unmatched?: "reject" | "ignore";
}
