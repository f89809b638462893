import { IncomingMessage } from "node:http";
import { Socket } from "node:net";

/** What a client's request says. */
export interface RequestOptions {
  /** By name; names in lower case. `host` is `localhost` unless given. */
  readonly headers?: Readonly<Record<string, string>>;
  /** What the client offers, in its order. */
  readonly subprotocols?: readonly string[];
}

/** The request of an upgrade that comes over no network. */
export function virtualRequest(
  target: string,
  { headers = {}, subprotocols = [] }: RequestOptions,
): IncomingMessage {
  const request = new IncomingMessage(new Socket());
  request.method = "GET";
  request.url = target;
  request.headers = {
    host: "localhost",
    connection: "Upgrade",
    upgrade: "websocket",
    ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
    ...(subprotocols.length > 0 && { "sec-websocket-protocol": subprotocols.join(", ") }),
  };
  return request;
}
