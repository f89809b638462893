import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { sessionProtocol, tokenPrefix } from "../../protocol/subprotocols.ts";

/** A client, and the headers and subprotocols of its request. */
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
  /** The subprotocols that the client offers, in the client's order. */
  readonly subprotocols?: readonly string[];
}

export function virtualRequest(
  target: string,
  { headers = {}, subprotocols = [], session = false, token }: RequestOptions,
): IncomingMessage {
  const offered = [
    ...(session ? [sessionProtocol] : []),
    ...(token === undefined ? [] : [tokenPrefix + Buffer.from(token).toString("base64url")]),
    ...subprotocols,
  ];
  const request = new IncomingMessage(new Socket());
  request.method = "GET";
  request.url = target;
  request.headers = {
    host: "localhost",
    connection: "Upgrade",
    upgrade: "websocket",
    ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
    ...(offered.length > 0 && { "sec-websocket-protocol": offered.join(", ") }),
  };
  return request;
}
