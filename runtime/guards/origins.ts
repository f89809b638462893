import { parseUrl } from "../../layers/parse-url.ts";

/** An origin, as in the header `Origin` of a page's request. */
export type Origin = Pick<URL, "protocol" | "hostname" | "port">;

/** The origins that one entry of a list allows. */
interface OriginPattern extends Pick<Origin, "protocol" | "hostname"> {
  /** Whether the subdomains of the host match, too. */
  readonly hasSubdomains: boolean;
  /** Undefined if any port matches. Empty if the port is the default port of the scheme. */
  readonly port: string | undefined;
}

const opaque = "null";
const webSchemes: readonly string[] = ["http:", "https:"];
// Browsers send `null` for a page with one of these schemes, or do not open such a page at all.
const neverAnOrigin = new Set(["about:", "blob:", "data:", "javascript:", "ws:", "wss:"]);
const bareOrigin = /^[a-z][a-z\d+.-]*:\/\/[^/?#@*\s\\]*$/;
// The scheme, the wildcard for subdomains, the host, and the port.
const entryParts =
  /^(?:([a-z][a-z\d+.-]*):\/\/)?(\*?\.(?=[^:/.]))?(\[[\da-f:.]+\]|[^/?#@*:\s\\]*)(:(?:\d+|\*))?\/?$/;

/** A list of origins. `originGuard` documents the entries. */
export class OriginList {
  readonly #patterns: readonly OriginPattern[];
  readonly #hasOpaque: boolean;

  /** @throws {TypeError} if no origin can match an entry, or if an entry would match all sites. */
  constructor(entries: readonly string[]) {
    if (!Array.isArray(entries))
      throw new TypeError(`\`allow\` must be an array of origins, not ${entries}.`);
    this.#hasOpaque = entries.some(isOpaque);
    this.#patterns = entries.filter((entry) => !isOpaque(entry)).flatMap(parseEntry);
  }

  /** @param header the value of the header `Origin` */
  has(header: string): boolean {
    if (header === opaque) return this.#hasOpaque;
    const origin = parseOrigin(header);
    return origin !== undefined && this.#patterns.some((pattern) => matches(pattern, origin));
  }
}

/**
 * Whether a page with the origin `header` comes from `host`, the value of `Host`.
 * @param protocol the protocol of the host. Over HTTP or HTTPS if undefined.
 */
export function isOwnOrigin(header: string, host: string | undefined, protocol?: "http" | "https"): boolean {
  const origin = parseOrigin(header);
  const schemes = protocol === undefined ? webSchemes : [`${protocol}:`];
  if (origin === undefined || !schemes.includes(origin.protocol)) return false;
  // Parsed with the scheme of the origin, so that a default port is the same as no port.
  const own = parseOrigin(`${origin.protocol}//${host ?? ""}`);
  return own?.hostname === origin.hostname && own.port === origin.port;
}

function parseOrigin(text: string): Origin | undefined {
  // In schemes other than those of the web, `URL` keeps upper-case letters of the host.
  const lowerCase = text.toLowerCase();
  return bareOrigin.test(lowerCase) ? parseUrl(lowerCase) : undefined;
}

function matches({ protocol, hostname, port, hasSubdomains }: OriginPattern, origin: Origin): boolean {
  if (protocol !== origin.protocol || (port !== undefined && port !== origin.port)) return false;
  return hostname === origin.hostname || (hasSubdomains && origin.hostname.endsWith(`.${hostname}`));
}

const isOpaque = (entry: unknown): boolean => typeof entry === "string" && entry.toLowerCase() === opaque;

/** An entry without a scheme gives a pattern for `http` and a pattern for `https`. */
function parseEntry(entry: string): OriginPattern[] {
  if (entry === "*") {
    throw new TypeError('"*" would admit the pages of all sites: leave originGuard() out to admit them.');
  }
  const text = typeof entry === "string" ? entry.toLowerCase() : "";
  const [, scheme, wildcard, host = "", port = ""] = entryParts.exec(text) ?? [];
  const protocols = scheme === undefined ? webSchemes : [`${scheme}:`];
  return protocols.map((protocol) => {
    if (neverAnOrigin.has(protocol)) {
      throw new TypeError(
        `"${entry}" can never match: the origin of a page does not begin with "${protocol}". ` +
          'Write the scheme of the page, as in "https://app.example.com".',
      );
    }
    const isAnyPort = port === ":*";
    const origin = parseOrigin(`${protocol}//${host}${isAnyPort ? "" : port}`);
    const hasSubdomains = wildcard !== undefined;
    // The parts of an IP address are not domains, so a wildcard before an address could match strangers.
    const isAddress = /^[\d.]+$|^\[/.test(origin?.hostname ?? "");
    if (origin === undefined || (hasSubdomains && isAddress)) throw notAnOrigin(entry);
    return {
      protocol,
      hostname: origin.hostname,
      hasSubdomains,
      port: isAnyPort ? undefined : origin.port,
    };
  });
}

const notAnOrigin = (entry: string) =>
  new TypeError(
    `"${entry}" is not an origin: write it like "https://app.example.com", "https://*.example.com" or ` +
      '"http://localhost:*", without a path.',
  );
