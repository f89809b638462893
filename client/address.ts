import type { Contract, Schema } from "../contract/index.ts";
import { maxTokenLength, tokenPrefix } from "../protocol/subprotocols.ts";
import { check } from "./check.ts";
import type { ConnectOptions } from "./client.ts";
import { ClientError } from "./errors.ts";

/**
 * The URL of the WebSocket at `path`, which follows the path of the address.
 * @throws {TypeError} if there is no address, or it is not a URL.
 */
export function addressOf({ url }: ConnectOptions, path = ""): string {
  const { location } = globalThis as { readonly location?: { readonly href: string } };
  if (!(url ?? location)) throw new TypeError("Pass the option url: there is no page.");
  const address = new URL(url ?? "/", location?.href);
  address.protocol = address.protocol.replace("http", "ws");
  if (path) address.pathname = address.pathname.replace(/\/$/, "") + path;
  address.hash = "";
  return address.href;
}

/**
 * The path of a contract with its parameters.
 * @throws {TypeError} if a parameter is missing.
 * @throws {ClientError} if a parameter does not fit the contract.
 */
export function pathOf(
  { path, params: schema }: Contract,
  params: Readonly<Record<string, unknown>>,
): string {
  const texts: Record<string, string> = {};
  const address = path.replace(/:(\w+)/g, (_, name: string) => {
    texts[name] = String(params[name] ?? "");
    if (!texts[name]) throw new TypeError(`The parameter "${name}" is missing.`);
    return encodeURIComponent(texts[name]);
  });
  const checked = check(schema as Schema | undefined, [texts]);
  if ("error" in checked) throw checked.error;
  return address;
}

/**
 * The subprotocol that carries `token`.
 * @throws {ClientError} if the token is too long.
 */
export function encodeToken(token: string): string {
  const bytes = new TextEncoder().encode(token);
  if (bytes.length * 4 > maxTokenLength * 3)
    throw new ClientError("ERR_TOKEN_TOO_LONG", "The token has more than 3,072 bytes.");
  const base64 = btoa(String.fromCharCode(...bytes));
  return tokenPrefix + base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
