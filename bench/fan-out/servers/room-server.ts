import { once } from "node:events";
import type { Server } from "node:net";
import { nameOfRoom, roomLength } from "../../harness/client/message-text.ts";

export interface ServerOptions {
  readonly variant: string | undefined;
  readonly redisUrl: string;
}

/**
 * Serves rooms on a free loopback port. Each module in this folder exports a `start` function of this type.
 *
 * A connection joins the rooms of its request's query, then receives `joined`. Each text that it sends begins
 * with the name of a room and goes to all members of that room, including the sender.
 *
 * @returns the port
 */
export type StartServer = (options: ServerOptions) => Promise<number>;

/** The names of the rooms of a request: `count` rooms, the first of which has the number `first`. */
export function roomsOf(query: URLSearchParams): string[] {
  const first = Number(query.get("first"));
  return Array.from({ length: Number(query.get("count")) }, (_, index) => nameOfRoom(first + index));
}

export function roomOf(text: string): string {
  return text.slice(0, roomLength);
}

export function queryOf(url = "/"): URLSearchParams {
  return new URL(url, "ws://localhost").searchParams;
}

/** @returns the port. */
export async function listen(server: Server): Promise<number> {
  // A long queue, because hundreds of connections are opened at once.
  server.listen({ port: 0, host: "127.0.0.1", backlog: 4_096 });
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server has no port.");
  return address.port;
}
