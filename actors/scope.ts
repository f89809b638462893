import type { IncomingHttpHeaders } from "node:http";

/** The facts of a connection, fixed when it is made. `P` holds the names of its path parameters. */
export interface Scope<P extends string = string> {
  /** The path of the request without its query, as the client sent it; empty for an actor spawned without a socket. */
  readonly path: string;
  /** The decoded path parameters, after the route's checks. */
  readonly params: { readonly [K in P]: string };
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** What the client offered, in its order. One of them may be given to `accept({ subprotocol })`. */
  readonly subprotocols: readonly string[];
  /** The address of the peer's socket; of the proxy, where there is one. */
  readonly clientAddress: string | undefined;
  /** Whatever a guard found out about who is there. */
  readonly user: unknown;
}
