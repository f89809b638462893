import { IncomingMessage } from "node:http";
import { Socket } from "node:net";

/** The headers and subprotocols of a client's request. */
export interface RequestOptions {
  /** Headers by name. `host` is `localhost` unless given. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The subprotocols that the client offers, in the client's order. */
  readonly subprotocols?: readonly string[];
}

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
