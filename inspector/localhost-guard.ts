import { isIPv4 } from "node:net";
import type { Guard } from "../runtime/upgrade/guards.ts";

const hosts = new Set(["localhost", "127.0.0.1", "[::1]"]);
const leftByProxies = /^(forwarded|via|x-forwarded-.*|x-real-ip|x-client-ip|cf-connecting-ip)$/;

/**
 * Lets in those at the machine itself, who come from `127.0.0.1` or `::1` and ask for it by one of its own names: from
 * elsewhere through a tunnel, such as `ssh -L 8080:localhost:8080`. A page of another site whose name leads here is refused,
 * and so is what comes through a proxy that says it is one; a proxy on the same machine that does not say so cannot be told apart.
 */
export const ownMachineGuard: Guard = ({ clientAddress = "", headers }) => {
  const address = clientAddress.replace(/^::ffff:/, "");
  const isOwn = address === "::1" || (isIPv4(address) && address.startsWith("127."));
  const host = headers.host?.replace(/:\d+$/, "").toLowerCase() ?? "";
  if (isOwn && hosts.has(host) && !Object.keys(headers).some((name) => leftByProxies.test(name)))
    return undefined;
  return {
    status: 403,
    reason: "This is for those on its own machine, who ask for it at localhost",
  };
};
