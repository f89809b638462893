import { isIPv4 } from "node:net";
import type { Guard } from "../guards.ts";

const hosts = new Set(["localhost", "127.0.0.1", "[::1]"]);
const leftByProxies = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];

/**
 * Lets in who is on the same machine and asks for it by one of its own names: a page of another site whose name leads here is
 * not. A proxy that says that it is one lets nobody in; one that does not say so cannot be told apart.
 */
export const ownMachineGuard: Guard = ({ clientAddress = "", headers }) => {
  const address = clientAddress.replace(/^::ffff:/, "");
  const isOwn = address === "::1" || (isIPv4(address) && address.startsWith("127."));
  const host = headers.host?.replace(/:\d+$/, "").toLowerCase() ?? "";
  if (isOwn && hosts.has(host) && !leftByProxies.some((name) => name in headers)) return undefined;
  return {
    status: 403,
    reason: "Without guards, the inspector is for those on its own machine: see its option `guards`",
  };
};
