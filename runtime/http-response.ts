import {
  type IncomingMessage,
  type ServerResponse,
  STATUS_CODES,
  validateHeaderName,
  validateHeaderValue,
} from "node:http";
import type { Duplex } from "node:stream";
import { checkInteger } from "../layers/check-integer.ts";

/** The answer to a refused request: an HTTP status, and a text that describes the reason. */
export interface Refusal {
  readonly status: number;
  readonly reason: string;
}

/** Answers a plain HTTP request. MUST NOT throw. */
export type PlainAnswer = (request: IncomingMessage, response: ServerResponse) => void;

/** Ignores the socket's errors. Without a listener, an error would end the process. */
export function surviveErrors(socket: Duplex): void {
  socket.on("error", ignore);
}

function ignore(): void {}

/** @throws {InvalidOptionError} unless the status is an integer from 400 to 599. */
export function checkRefusal({ status }: Refusal): void {
  checkInteger("status", status, { min: 400, max: 599 });
}

export function refuseUpgrade(socket: Duplex, { status, reason }: Refusal): void {
  const body = `${reason}\n`;
  socket.once("finish", () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Refused"}\r\n` +
      "Connection: close\r\n" +
      "Content-Type: text/plain; charset=utf-8\r\n" +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

/** @throws {TypeError} if the name or the value contains characters that could end the line. */
export function headerLine(name: string, value: string): string {
  validateHeaderName(name);
  validateHeaderValue(name, value);
  return `${name}: ${value}`;
}
