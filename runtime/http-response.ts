import { type IncomingMessage, type ServerResponse, STATUS_CODES, validateHeaderName } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { ResponseHeaders } from "../actors/index.ts";
import { checkInteger } from "../layers/check-integer.ts";
import { InvalidOptionError, textOf } from "../layers/errors.ts";
import type { RefusalCause } from "./refusal-cause.ts";

/** The answer to a refused request. */
export interface Refusal {
  /** An HTTP status from 400 to 599; or 301, 302, 303, 307 or 308, together with a `Location` header. */
  readonly status: number;
  /** A text that describes the reason. The text is the body of the answer. */
  readonly reason: string;
  /**
   * Additional headers of the answer, such as `Retry-After`, `WWW-Authenticate` or `Set-Cookie`. The default
   * `Content-Type` is `text/plain`.
   * @default {}
   */
  readonly headers?: ResponseHeaders;
  /** @internal The cause for the counters. @default "guard" */
  readonly cause?: RefusalCause;
}

/**
 * Answers a plain HTTP request. MUST NOT throw.
 * @param cors headers with which a page of another origin may read a refusal. @default {}
 */
export type PlainAnswer = (
  request: IncomingMessage,
  response: ServerResponse,
  cors?: ResponseHeaders,
) => void;

/** The name and the value of one header line. */
type HeaderField = readonly [name: string, value: string];

/** Ignores the socket's errors. Without a listener, an error would end the process. */
export function surviveErrors(socket: Duplex): void {
  socket.off("error", ignore);
  socket.on("error", ignore);
}

/** Ends the effect of {@link surviveErrors} if the socket has another listener for errors. */
export function leaveErrors(socket: Duplex): void {
  if (socket.listenerCount("error") > 1) socket.off("error", ignore);
}

function ignore(): void {}

/** The number of bytes that were written to a socket of Node. For another stream, the number is 0. */
export function bytesWritten(socket: Duplex): number {
  return (socket as Partial<Socket>).bytesWritten ?? 0;
}

/** The headers that describe the body or the connection, which only the server knows. */
export const framingHeaders: readonly string[] = [
  "connection",
  "content-encoding",
  "content-length",
  "keep-alive",
  "trailer",
  "transfer-encoding",
  "upgrade",
];
const ownHeaders = new Set(framingHeaders);
/** The headers that describe the body of an answer. */
const bodyHeaders: readonly string[] = ["content-encoding", "content-length", "trailer", "transfer-encoding"];

const redirects = new Set([301, 302, 303, 307, 308]);

/**
 * @throws {InvalidOptionError} if the reason is not a text, if the status is not an integer from 400 to 599 or
 *   a redirection with a `Location`, or if a header is not allowed.
 */
export function checkRefusal({ status, reason, headers = {} }: Refusal): void {
  if (typeof reason !== "string") {
    throw new InvalidOptionError(
      `The \`reason\` of a refusal must be a text, not ${textOf(reason)}: pass the text for the client.`,
    );
  }
  const problem = headerProblem(headers, ownHeaders);
  if (problem !== undefined) throw new InvalidOptionError(problem);
  if (!redirects.has(status)) checkInteger("status", status, { min: 400, max: 599 });
  else if (!Object.keys(headers).some((name) => name.toLowerCase() === "location")) {
    throw new InvalidOptionError(
      `A refusal with the status ${status} needs a header \`Location\`: add it, or choose a status from 400 to 599.`,
    );
  }
}

/**
 * Describes the first header that an answer cannot carry, and the remedy. Returns undefined if there is none.
 * @param reserved lower-case names of headers that only the server may set
 */
export function headerProblem(headers: ResponseHeaders, reserved: ReadonlySet<string>): string | undefined {
  if (!isPlainObject(headers)) {
    return (
      `\`headers\` must be a plain object, not ${Object.prototype.toString.call(headers)}: write ` +
      '{ "Retry-After": 5 }, or convert a Headers, a Map or an array of pairs with Object.fromEntries().'
    );
  }
  for (const [name, value] of Object.entries(headers)) {
    if (reserved.has(name.toLowerCase())) return `The server itself sets the header "${name}": leave it out.`;
    if (!isHeaderName(name)) {
      return `HTTP cannot carry a header with the name ${JSON.stringify(name)}: use letters, digits and "-".`;
    }
    for (const one of [value].flat()) {
      if (typeof one !== "string" && !Number.isFinite(one)) {
        return `The header "${name}" must be a text, a number or an array of texts, not ${textOf(one)}.`;
      }
      // Other characters would end the line, or would be decoded in different ways by different clients.
      if (/[^\t -~]/.test(String(one))) {
        return (
          `HTTP cannot carry the value of the header "${name}": it may hold printable ASCII characters only. ` +
          "Encode other characters, for example with encodeURIComponent()."
        );
      }
    }
  }
  return undefined;
}

/** Whether `value` is an object literal, also of another realm, as in a test runner. */
function isPlainObject(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function isHeaderName(name: string): boolean {
  try {
    validateHeaderName(name);
    return true;
  } catch {
    return false;
  }
}

/** The header lines of `headers`: one line for each text of an array. */
export function headerFields(headers: ResponseHeaders): HeaderField[] {
  return Object.entries(headers).flatMap(([name, value]) =>
    [value].flat().map((one) => [name, String(one)] as const),
  );
}

/** The header lines of a refusal. Its own headers replace the `defaults` that have the same name. */
function refusalFields({ headers = {} }: Refusal, defaults: ResponseHeaders): HeaderField[] {
  const own = new Set(Object.keys(headers).map((name) => name.toLowerCase()));
  const others = headerFields(defaults).filter(([name]) => !own.has(name.toLowerCase()));
  return [...others, ...headerFields(headers)];
}

const contentType = { "Content-Type": "text/plain; charset=utf-8" };

export function refuseUpgrade(socket: Duplex, refusal: Refusal): void {
  socket.once("finish", () => socket.destroy());
  socket.end(responseOf(refusal));
}

/** The response of HTTP/1.1 with a refusal, which ends the connection. */
export function responseOf(refusal: Refusal): string {
  const { status, reason } = refusal;
  const body = `${reason}\n`;
  const lines = refusalFields(refusal, contentType).map(([name, value]) => `${name}: ${value}\r\n`);
  return (
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Refused"}\r\n` +
    "Connection: close\r\n" +
    `${lines.join("")}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  );
}

/** Answers a plain request. The headers replace those that other code has set on the response. */
export function refusePlainRequest(
  response: ServerResponse,
  refusal: Refusal,
  additional: ResponseHeaders = {},
): void {
  // Another listener of the server may have answered while a guard was pending.
  if (response.headersSent || response.writableEnded) return;
  const defaults = { ...contentType, "Cache-Control": "no-store", ...additional };
  // HTTP/2 has no headers about the connection, and Node throws an error for them.
  const isAllowed = ([name]: HeaderField) =>
    response.req.httpVersionMajor < 2 || !framingHeaders.includes(name.toLowerCase());
  const fields = refusalFields(refusal, defaults).filter(isAllowed);
  // Middleware may have described another body.
  for (const name of bodyHeaders) response.removeHeader(name);
  for (const [name] of fields) response.removeHeader(name);
  for (const [name, value] of fields) response.appendHeader(name, value);
  // The origin guard and the headers for pages of other origins depend on the origin.
  response.appendHeader("Vary", "Origin");
  const body = `${refusal.reason}\n`;
  response.setHeader("Content-Length", Buffer.byteLength(body));
  response.statusCode = refusal.status;
  response.end(body);
}
