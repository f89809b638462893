import type { AcceptOptions } from "../../actors/index.ts";
import { AcceptError } from "../errors.ts";
import { headerLine } from "../http-response.ts";

const handshakeHeaders = new Set([
  "connection",
  "content-length",
  "sec-websocket-accept",
  "sec-websocket-extensions",
  "sec-websocket-protocol",
  "transfer-encoding",
  "upgrade",
]);

/**
 * @param offered the subprotocols that the client can speak.
 * @throws {AcceptError} if the answer to an upgrade cannot hold `options`.
 */
export function checkAccept({ subprotocol, headers = {} }: AcceptOptions, offered: readonly string[]): void {
  if (subprotocol !== undefined && !offered.includes(subprotocol)) {
    throw new AcceptError(
      `The client did not offer the subprotocol "${subprotocol}", so it would refuse the connection. ` +
        (offered.length > 0 ? `It offered: ${offered.join(", ")}.` : "It offered none."),
    );
  }
  const taken = Object.keys(headers).find((name) => handshakeHeaders.has(name.toLowerCase()));
  if (taken !== undefined)
    throw new AcceptError(`The header "${taken}" belongs to the handshake: leave it out.`);
  try {
    for (const [name, value] of Object.entries(headers)) headerLine(name, value);
  } catch (cause) {
    throw new AcceptError(`accept() got a header that HTTP cannot carry: ${(cause as Error).message}`, {
      cause,
    });
  }
}
