import type { Contract, Schema } from "../contract/index.ts";
import { maxTokenLength, tokenPrefix } from "../protocol/subprotocols.ts";
import type { ConnectOptions } from "./client.ts";
import { ClientError } from "./errors.ts";

/**
 * The URL of the WebSocket at `path`, which follows the path of the address.
 * @throws {TypeError} if there is no address, or it is not a URL.
 */
export function addressOf({ url, query }: ConnectOptions, path = ""): string {
  const { location } = globalThis as {
    readonly location?: { readonly href: string; readonly origin: string };
  };
  const base = url ?? location?.origin;
  if (base === undefined) throw new TypeError("There is no page with an origin: pass the option url.");
  const address = new URL(base, location?.href);
  address.protocol = address.protocol.replace("http", "ws");
  if (path !== "") address.pathname = address.pathname.replace(/\/$/, "") + path;
  for (const [name, value] of Object.entries(query ?? {})) address.searchParams.set(name, value);
  address.hash = "";
  return address.href;
}

/**
 * The path of a contract with its parameters.
 * @throws {TypeError} if a parameter is missing, or does not fit the contract.
 */
export function pathOf(
  { path, params: schema }: Contract,
  params: Readonly<Record<string, unknown>>,
): string {
  const texts: Record<string, string> = {};
  const address = path.replace(/:(\w+)/g, (_, name: string) => {
    const text = String(params[name] ?? "");
    if (text === "") throw new TypeError(`The parameter "${name}" of the path "${path}" is missing.`);
    texts[name] = text;
    return encodeURIComponent(text);
  });
  const result = (schema as Schema | undefined)?.["~standard"].validate(texts);
  if (result !== undefined && "issues" in result && result.issues)
    throw new TypeError(`The parameters of "${path}" are not valid: ${result.issues[0]?.message}`);
  return address;
}

/**
 * The subprotocol that carries `token`.
 * @throws {ClientError} if the token is too long.
 */
export function encodeToken(token: string): string {
  const bytes = new TextEncoder().encode(token);
  if (bytes.length * 4 > maxTokenLength * 3)
    throw new ClientError("ERR_TOKEN_TOO_LONG", `The token has ${bytes.length} bytes; the maximum is 3,072.`);
  const base64 = btoa(String.fromCharCode(...bytes));
  return tokenPrefix + base64.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}
