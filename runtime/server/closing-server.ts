import { type EventEmitter, once } from "node:events";
import type { ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import type { Clock } from "../../layers/clock.ts";
import { completes } from "../deadline.ts";
import type { AttachableServer } from "./attach-options.ts";

/** A server that closes with its runtime. It knows its sockets, because Node does not list all of them. */
export class ClosingServer {
  readonly #server: AttachableServer;
  readonly #sockets: ReadonlySet<Socket>;
  readonly #sessions: ReadonlySet<ServerHttp2Session>;

  constructor(server: EventEmitter & AttachableServer) {
    this.#server = server;
    this.#sockets = track<Socket>(server, "connection");
    this.#sessions = track<ServerHttp2Session>(server, "session");
  }

  /**
   * Stops listening. Resolves once all connections have ended, at most after `ms` milliseconds, when it cuts them.
   * Until then, requests that run may end. Does not reject, also if the server does not listen.
   *
   * Does not wait for upgraded connections that are older than this object: it cannot cut them.
   */
  async close(ms: number, clock: Clock): Promise<void> {
    const server = this.#server;
    // Otherwise, a connection whose last request has just ended would stay open for 5 s.
    if ("keepAliveTimeout" in server) server.keepAliveTimeout = 1;
    const closed = new Promise((resolve) => server.close(resolve));
    // A session of HTTP/2 has no such timeout. It ends with its last request.
    for (const session of this.#sessions) session.close();
    // A browser opens spare connections. Node does not count them as idle.
    for (const socket of this.#sockets) if (socket.bytesRead === 0) socket.destroy();
    if (await completes(closed, ms, clock)) return;
    if ("closeAllConnections" in server) server.closeAllConnections();
    const cut = [...this.#sockets].map((socket) => once(socket.destroy(), "close"));
    await Promise.race([closed, Promise.allSettled(cut)]);
  }
}

/** The open objects that `server` emits as `event`. They share a listener: a closure for each takes more memory. */
function track<T extends EventEmitter>(server: EventEmitter, event: string): ReadonlySet<T> {
  const open = new Set<T>();
  function onClose(this: T): void {
    open.delete(this);
  }
  server.on(event, (opened: T) => {
    open.add(opened);
    opened.on("close", onClose);
  });
  return open;
}
