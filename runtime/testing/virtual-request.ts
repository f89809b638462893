import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { stringifyCookie } from "cookie";
import { sessionProtocol, tokenPrefix } from "../../protocol/subprotocols.ts";

/** A client, and the headers, cookies and subprotocols of its request. */
export interface RequestOptions {
  /**
   * Whether the client has a session, as a client of `greenroom/client` has: it may lose its socket and come back.
   * @default false
   */
  readonly session?: boolean;
  /** The token of the client, which the guards find in `scope.token`. */
  readonly token?: string;
  /** Headers by name. `host` is `localhost` unless given. */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * Cookies by name, which are added to those in `headers`. Values are escaped with `encodeURIComponent`. A `TypeError`
   * refuses a name that is illegal for a cookie.
   */
  readonly cookies?: Readonly<Record<string, string>>;
  /** The subprotocols that the client offers, in the client's order. */
  readonly subprotocols?: readonly string[];
}

export function virtualRequest(
  target: string,
  { headers = {}, cookies = {}, subprotocols = [], session = false, token }: RequestOptions,
): IncomingMessage {
  const offered = [
    ...(session ? [sessionProtocol] : []),
    ...(token === undefined ? [] : [tokenPrefix + Buffer.from(token).toString("base64url")]),
    ...subprotocols,
  ];
  const request = new IncomingMessage(new Socket());
  request.method = "GET";
  request.url = target;
  const given = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
  const cookie = [given.cookie, stringifyCookie(cookies)].filter(Boolean).join("; ");
  request.headers = {
    host: "localhost",
    connection: "Upgrade",
    upgrade: "websocket",
    ...given,
    ...(cookie !== "" && { cookie }),
    ...(offered.length > 0 && { "sec-websocket-protocol": offered.join(", ") }),
  };
  return request;
}
