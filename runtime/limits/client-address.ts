import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { all, compile } from "proxy-addr";
import type { Forwarded } from "../../actors/index.ts";
import { checkInteger } from "../../layers/check-integer.ts";
import type { ErrorListener } from "../../layers/error-reporter.ts";
import { InvalidOptionError, textOf } from "../../layers/errors.ts";
import { withoutMapping } from "./address-key.ts";

/** See {@link RuntimeOptions.trustProxy}. */
export type TrustProxy =
  | boolean
  | number
  | string
  | readonly string[]
  | ((address: string, hop: number) => boolean);

type Trust = (address: string | undefined, hop: number) => boolean;

/** The protocols that `X-Forwarded-Proto` may name. Some proxies name that of the upgrade. */
const protocols = new Map<string | undefined, Forwarded["protocol"]>([
  ["http", "http"],
  ["ws", "http"],
  ["https", "https"],
  ["wss", "https"],
]);

/** Tells which client has sent a request. Believes the headers of trusted proxies only. */
export class ClientAddresses {
  readonly #trust: Trust | undefined;

  /** @throws {InvalidOptionError} if `trustProxy` is invalid. */
  constructor(trustProxy: TrustProxy, report: ErrorListener) {
    this.#trust = trustOf(trustProxy, report);
  }

  /** Whether a socket with this remote address belongs to a trusted proxy. */
  isProxy(address: string | undefined): boolean {
    return this.#trust?.(address, 0) ?? false;
  }

  /** The address of the request's client: an IPv4 address is plain, never mapped into IPv6. Undefined if its socket has none, as with a Unix domain socket. */
  addressOf(request: IncomingMessage): string | undefined {
    if (this.#trust === undefined) {
      const { remoteAddress } = request.socket;
      return remoteAddress && withoutMapping(remoteAddress);
    }
    // Begins with the socket's own address, and ends with the first address that is not a trusted proxy.
    return all(request, this.#trust)
      .map((address = "") => withoutMapping(withoutPort(address)))
      .findLast((address) => isIP(address) !== 0);
  }

  /** The protocol and the host of the request, if a trusted proxy has sent it. */
  forwardedOf({ headers, socket }: IncomingMessage): Forwarded | undefined {
    if (this.#trust === undefined || !this.isProxy(socket.remoteAddress)) return undefined;
    return {
      protocol: protocols.get(first(headers["x-forwarded-proto"])?.toLowerCase()),
      host: first(headers["x-forwarded-host"]),
    };
  }
}

/** The conversions of Express's setting `trust proxy`. */
function trustOf(trustProxy: TrustProxy, report: ErrorListener): Trust | undefined {
  switch (typeof trustProxy) {
    case "boolean":
      return trustProxy ? () => true : undefined;
    case "number":
      checkInteger("trustProxy", trustProxy, { min: 0 });
      return (_, hop) => hop < trustProxy;
    case "function":
      return (address, hop) => {
        try {
          return trustProxy(address ?? "", hop);
        } catch (error) {
          report(error, { stage: "trustProxy" });
          return false;
        }
      };
    default:
      return compiled(trustProxy);
  }
}

function compiled(given: string | readonly string[]): Trust {
  try {
    const trust = compile(typeof given === "string" ? given.split(/ *, */) : [...given]);
    return (address, hop) => address !== undefined && trust(address, hop);
  } catch (error) {
    throw new InvalidOptionError(
      `The option "trustProxy" is ${textOf(given)}: ${textOf(error)}. Name addresses, subnets such as 10.0.0.0/8, ` +
        "loopback, linklocal or uniquelocal; or give the number of proxies in a row.",
    );
  }
}

/** The first of the values that several proxies have joined with commas. Undefined if it is empty. */
function first(header: string | readonly string[] | undefined): string | undefined {
  const [value = ""] = header?.toString().split(",", 1) ?? [];
  return value.trim() || undefined;
}

/** Some proxies append the port of the client: `192.0.2.1:5678`, `[2001:db8::1]:5678`. */
function withoutPort(address: string): string {
  const [, v6, v4] = /^(?:\[([\da-f:.]+)\](?::\d+)?|([\d.]+):\d+)$/i.exec(address) ?? [];
  return v6 ?? v4 ?? address;
}
