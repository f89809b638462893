import { isIPv4 } from "node:net";
import type { Guard } from "../runtime/upgrade/guards.ts";

const hosts = new Set(["localhost", "127.0.0.1", "[::1]"]);
const proxyHeaders = /^(forwarded|via|x-forwarded-.*|x-real-ip|x-client-ip|cf-connecting-ip)$/;

/**
 * Accepts requests from the server's own machine: the client address must be `::1` or in `127.0.0.0/8`, and
 * the `Host` header must be `localhost` or a loopback address. The check of `Host` prevents DNS rebinding.
 *
 * Refuses requests with a proxy's header, such as `Via`. But requests through a proxy on the same machine are
 * accepted if the proxy adds no such header. To open the page from elsewhere, use a tunnel:
 * `ssh -L 8080:localhost:8080`.
 */
export const ownMachineGuard: Guard = ({ clientAddress = "", headers }) => {
  const address = clientAddress.replace(/^::ffff:/, "");
  const isOwn = address === "::1" || (isIPv4(address) && address.startsWith("127."));
  const host = headers.host?.replace(/:\d+$/, "").toLowerCase() ?? "";
  if (isOwn && hosts.has(host) && !Object.keys(headers).some((name) => proxyHeaders.test(name)))
    return undefined;
  return {
    status: 403,
    reason: "Only requests from the server's own machine are accepted: open the page at localhost",
  };
};
