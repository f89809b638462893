import type { IncomingMessage } from "node:http";
import type { Scope } from "../../actors/index.ts";
import type { ClientAddresses } from "../limits/client-address.ts";
import { parseCookies } from "./cookies.ts";
import type { OfferedProtocols } from "./offered-protocols.ts";

export interface RequestTarget {
  readonly path: string;
  readonly query: string;
}

/** Parses a target in origin form (`/path?query`) or in absolute form, as sent by proxies. */
export function targetOf({ url: target = "" }: IncomingMessage): RequestTarget {
  const url = target.startsWith("/") ? target : target.replace(/^[a-z]+:\/\/[^/?#]*/i, "");
  const mark = url.indexOf("?");
  return mark === -1 ? { path: url, query: "" } : { path: url.slice(0, mark), query: url.slice(mark + 1) };
}

/** Creates the scope of a connection. The scope retains the headers, but not the request. */
export function requestScope(
  { path, query }: RequestTarget,
  params: Scope["params"],
  request: IncomingMessage,
  { own, token }: OfferedProtocols,
  addresses: ClientAddresses,
  user?: unknown,
): Scope {
  const { headers } = request;
  const forwarded = addresses.forwardedOf(request);
  return {
    path,
    params,
    headers,
    cookies: parseCookies(headers.cookie),
    subprotocols: own,
    clientAddress: addresses.addressOf(request),
    ...(forwarded && { forwarded }),
    query: new URLSearchParams(query),
    token,
    user,
  };
}
