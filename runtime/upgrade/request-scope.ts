import type { IncomingMessage } from "node:http";
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

/** The scope of a connection. It keeps nothing of the request alive but its headers. */
export function requestScope(
  { path, query }: RequestTarget,
  params: Scope["params"],
  { headers, socket }: IncomingMessage,
  user?: unknown,
): Scope {
  return {
    path,
    params,
    headers,
    subprotocols: headers["sec-websocket-protocol"]?.split(",").map((name) => name.trim()) ?? noSubprotocols,
    clientAddress: socket.remoteAddress,
    query: new URLSearchParams(query),
    user,
  };
}
