import {
  type IncomingMessage,
  type ServerResponse,
  STATUS_CODES,
  validateHeaderName,
  validateHeaderValue,
} from "node:http";
import type { Socket } from "node:net";
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
