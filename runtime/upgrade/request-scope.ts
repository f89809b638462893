import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Scope } from "../../actors/index.ts";

const noSubprotocols: readonly string[] = Object.freeze([]);

/** Path and query of a request. */
export interface RequestTarget {
  readonly path: string;
  readonly query: string;
}

/** From a target in origin form (`/path?query`) or, as proxies send it, in absolute form. */
export function targetOf({ url: target = "" }: IncomingMessage): RequestTarget {
  const url = target.startsWith("/") ? target : target.replace(/^[a-z]+:\/\/[^/?#]*/i, "");
  const mark = url.indexOf("?");
  return mark === -1 ? { path: url, query: "" } : { path: url.slice(0, mark), query: url.slice(mark + 1) };
}

/** The scope of a connection, from its request. It keeps nothing else of the request alive. */
export class RequestScope implements Scope {
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  readonly headers: IncomingHttpHeaders;
  /** What the client offers in `Sec-WebSocket-Protocol`, in its order. */
  readonly subprotocols: readonly string[];
  readonly clientAddress: string | undefined;
  readonly query: URLSearchParams;
  readonly user: unknown;

  constructor(
    { path, query }: RequestTarget,
    params: Scope["params"],
    { headers, socket }: IncomingMessage,
    user?: unknown,
  ) {
    this.path = path;
    this.params = params;
    this.headers = headers;
    this.subprotocols =
      headers["sec-websocket-protocol"]?.split(",").map((name) => name.trim()) ?? noSubprotocols;
    this.clientAddress = socket.remoteAddress;
    this.user = user;
    this.query = new URLSearchParams(query);
  }
}
