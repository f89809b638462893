import { once } from "node:events";
import type { Server } from "node:net";

/** What a server is told where several rows have the same one. */
export interface ServerOptions {
  readonly variant: string | undefined;
  /** Empty where nothing is shared between nodes. */
  readonly redisUrl: string;
}

/**
 * What each module in this folder exports as `start`: serves rooms on a free port of the loopback address, and gives it.
 *
 * A connection is in the rooms that the query of its request names, and is told `joined` once it is. A text that it sends
 * begins with the name of a room and goes to all who are in it, the sender too.
 */
export type StartServer = (options: ServerOptions) => Promise<number>;

/** Letters at the beginning of a text. */
const nameLength = 5;

/** The rooms that a request is for: so many, from the first on. */
export function roomsOf(query: URLSearchParams): string[] {
  const first = Number(query.get("first"));
  return Array.from({ length: Number(query.get("count")) }, (_, index) => nameOfRoom(first + index));
}

export function nameOfRoom(index: number): string {
  return String(index).padStart(nameLength, "0");
}

/** Where a text is to go. */
export function roomOf(text: string): string {
  return text.slice(0, nameLength);
}

export function queryOf(url = "/"): URLSearchParams {
  return new URL(url, "ws://localhost").searchParams;
}

/** @returns the port. */
export async function listen(server: Server): Promise<number> {
  // As long as the kernel allows: connections come in hundreds.
  server.listen({ port: 0, host: "127.0.0.1", backlog: 4_096 });
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server has no port.");
  return address.port;
}
