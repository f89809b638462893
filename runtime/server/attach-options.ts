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

/** Options of `runtime.attach`. */
export interface AttachOptions {
  /**
   * For a path without a route, `"reject"` answers 404, and `"ignore"` leaves the upgrade to other listeners.
   * @default "reject" while the server has no other listener for upgrades, else "ignore"
   */
  readonly unmatched?: "reject" | "ignore";
  /**
   * Whether {@link Runtime.close} closes the server, too, once the connections of the runtime have ended. Requests that
   * run then may end until `drainMs` is over. A framework that closes its server itself does not need this.
   * @default false
   */
  readonly closeServer?: boolean;
  /**
   * Whether the runtime hides upgrades to its own paths from the other listeners of the server. Set this if a
   * framework answers every upgrade, or ends those to paths that its pages match.
   * @default false
   */
  readonly exclusive?: boolean;
}
