import { maxTokenLength, tokenPrefix } from "../protocol/subprotocols.ts";
import type { ConnectOptions } from "./client.ts";
import { encoder } from "./encoder.ts";
import { ClientError } from "./errors.ts";

/**
 * The URL of the WebSocket at `path`, which follows the path of the address.
 * @throws {TypeError} if it is not the address of a server, such as `localhost:8080`, or if there is none.
 */
export function addressOf({ url }: ConnectOptions, path = ""): string {
  const { location } = globalThis as { readonly location?: { readonly href: string } };
  const address = new URL(url ?? "/", location?.href ?? "a:/");
  if (path) address.pathname = address.pathname.replace(/\/$/, "") + path;
  address.hash = "";
  const text = address.href.replace(/^http/, "ws");
  if (/^ws/.test(text)) return text;
  throw new TypeError("Pass a ws: url.");
}

/**
 * The path of a pattern such as `/room/:room` with its parameters. The server checks them against their schema.
 * @throws {TypeError} if a parameter is missing.
 */
export const pathOf = (pattern: string, params: Readonly<Record<string, unknown>> = {}): string =>
  pattern.replace(/:(\w+)/g, (_, name: string) => {
    const text = String(params[name] ?? "");
    if (text) return encodeURIComponent(text);
    throw new TypeError(`Pass the parameter ${name}.`);
  });

/**
 * The subprotocol that carries `token`.
 * @throws {ClientError} if the token is too long.
 */
export function encodeToken(token: string): string {
  const base64 = btoa(String.fromCharCode(...encoder.encode(token)));
  const encoded = base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  if (encoded.length > maxTokenLength)
    throw new ClientError("ERR_TOKEN_TOO_LONG", "Send at most 3,072 bytes.");
  return tokenPrefix + encoded;
}
