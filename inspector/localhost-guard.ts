import { isIPv4 } from "node:net";
import type { Guard } from "../runtime/upgrade/guards.ts";

const hosts = new Set(["localhost", "127.0.0.1", "[::1]"]);
const proxyHeaders = /^(forwarded|via|x-forwarded-.*|x-real-ip|x-client-ip|cf-connecting-ip)$/;

/**
 * Accepts requests from the machine itself: those that come from `127.0.0.1` or `::1` and name one of its own
 * hosts, such as `localhost`. From elsewhere, use a tunnel: `ssh -L 8080:localhost:8080`. Refuses a page of
 * another site whose name leads here, and a request that a proxy says it has forwarded; a proxy on the same
 * machine that does not say so passes.
 */
export const ownMachineGuard: Guard = ({ clientAddress = "", headers }) => {
  const address = clientAddress.replace(/^::ffff:/, "");
  const isOwn = address === "::1" || (isIPv4(address) && address.startsWith("127."));
  const host = headers.host?.replace(/:\d+$/, "").toLowerCase() ?? "";
  if (isOwn && hosts.has(host) && !Object.keys(headers).some((name) => proxyHeaders.test(name)))
    return undefined;
  return {
    status: 403,
    reason: "This is for those on its own machine, who ask for it at localhost",
  };
};
