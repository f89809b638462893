import type { EventEmitter } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { bytesWritten } from "../http-response.ts";
import { notFound } from "../routes/router.ts";
import { earlierResponse, isAnswered } from "../upgrade/answered.ts";
import type { Upgrades } from "../upgrade/upgrades.ts";
import type { AttachableServer, AttachOptions } from "./attach-options.ts";
import { interceptUpgrades } from "./intercept-upgrades.ts";
import { filterUpgrades, isWebSocketUpgrade } from "./upgrade-filter.ts";

/** A runtime on a server. */
export interface Attachment extends AttachOptions {
  readonly upgrades: Upgrades;
  /** Returns false if the runtime does not answer. */
  handleRequest(request: IncomingMessage, response: ServerResponse): boolean;
}

// All copies of this library in a process share the key. If you change `AttachedServer`, change the key, too.
const shared = Symbol.for("greenroom.attached-server.3");

/**
 * A server with one or several runtimes. All of them share one listener for upgrades and one for requests, so
 * each request is answered once. The runtime that was attached first has priority; a runtime that is closing
 * comes after the others.
 */
export class AttachedServer {
  // The events of these servers have the same arguments, but the types of their methods differ.
  readonly #server: EventEmitter & AttachableServer;
  readonly #attachments: Attachment[] = [];
  #removeFilter = () => {};
  #endInterception: (() => void) | undefined;

  static of(server: AttachableServer & { [shared]?: AttachedServer }): AttachedServer {
    server[shared] ??= new AttachedServer(server);
    return server[shared];
  }

  constructor(server: AttachableServer) {
    this.#server = server;
  }

  /** Adds a runtime. Returns a function that removes the runtime. */
  attach(attachment: Attachment): () => void {
    if (this.#attachments.push(attachment) === 1) {
      // This listener has to see the socket before the other listeners, which may write to it.
      this.#server.prependListener("upgrade", this.#onUpgrade);
      this.#server.on("request", this.#onRequest);
      this.#removeFilter = filterUpgrades(this.#server, this.#isUpgrade);
    }
    if (attachment.exclusive) {
      this.#endInterception ??= interceptUpgrades(this.#server, this.#handleIfExclusive);
    }
    return () => this.#detach(attachment);
  }

  #detach(attachment: Attachment): void {
    const index = this.#attachments.indexOf(attachment);
    if (index === -1) return;
    this.#attachments.splice(index, 1);
    if (this.#attachments.length > 0) return;
    this.#server.off("upgrade", this.#onUpgrade);
    this.#server.off("request", this.#onRequest);
    this.#removeFilter();
    this.#endInterception?.();
    this.#endInterception = undefined;
  }

  get #hasOtherListeners(): boolean {
    return this.#server.listenerCount("upgrade") > 1;
  }

  get #byPriority(): readonly Attachment[] {
    const rank = ({ upgrades }: Attachment) => Number(upgrades.isClosing);
    return this.#attachments.toSorted((a, b) => rank(a) - rank(b));
  }

  /** Without other listeners, an upgrade to another protocol than WebSocket is a plain request. */
  readonly #isUpgrade = (request: IncomingMessage): boolean =>
    isWebSocketUpgrade(request) || this.#hasOtherListeners;

  /** Handles an upgrade before any listener gets it. Returns false to leave it to the listeners. */
  readonly #handleIfExclusive = (request: IncomingMessage, socket: Duplex, head: Buffer): boolean => {
    if (!isWebSocketUpgrade(request) || !this.#servingOf(request)?.exclusive) return false;
    this.#handle(request, socket, head, bytesWritten(socket));
    return true;
  };

  readonly #onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const written = bytesWritten(socket);
    if (this.#hasOtherListeners) {
      // First, the other listeners may answer. Until their turn ends, nothing else can happen to the socket,
      // except that an earlier response goes on.
      const earlier = earlierResponse(request, socket);
      process.nextTick(this.#handleUnlessAnswered, request, socket, head, written, earlier);
    } else this.#handle(request, socket, head, written);
  };

  readonly #handleUnlessAnswered = (
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    before: number,
    earlier: ServerResponse | undefined,
  ): void => {
    // A response without headers has not written any bytes. After that, the bytes may be its own.
    const written = earlier?.headersSent ? bytesWritten(socket) : before;
    if (!isAnswered(request, socket, written)) this.#handle(request, socket, head, written);
    else if (isWebSocketUpgrade(request)) this.#servingOf(request)?.upgrades.onOtherAnswer(request);
  };

  #handle(request: IncomingMessage, socket: Duplex, head: Buffer, written: number): void {
    const earlier = earlierResponse(request, socket);
    if (earlier !== undefined) {
      this.#defer(request, socket, head, earlier);
      return;
    }
    const answering = isWebSocketUpgrade(request) ? (this.#servingOf(request) ?? this.#rejecting) : undefined;
    if (answering) answering.upgrades.handle(request, socket, head);
    else this.#attachments[0]?.upgrades.leave(request, socket, written);
  }

  /** Handles an upgrade whose client has not waited for an earlier response. That response has to come first. */
  #defer(request: IncomingMessage, socket: Duplex, head: Buffer, earlier: ServerResponse): void {
    const serving = isWebSocketUpgrade(request) ? this.#servingOf(request) : undefined;
    const upgrades = (serving ?? this.#attachments[0])?.upgrades;
    upgrades?.defer(request, socket, earlier, () => {
      if (this.#attachments.length > 0) this.#onUpgrade(request, socket, head);
      // All runtimes have been closed. No other code ends the socket.
      else if (isAnswered(request, socket, bytesWritten(socket))) return;
      else if (serving !== undefined) upgrades.handle(request, socket, head);
      else upgrades.leave(request, socket, bytesWritten(socket));
    });
  }

  #servingOf(request: IncomingMessage): Attachment | undefined {
    return this.#byPriority.find(({ upgrades }) => upgrades.serves(request));
  }

  /** A runtime that answers 404 to an upgrade for which no runtime has a route. */
  get #rejecting(): Attachment | undefined {
    const byDefault = this.#hasOtherListeners ? "ignore" : "reject";
    return this.#attachments.find(({ unmatched = byDefault }) => unmatched === "reject");
  }

  readonly #onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    if (this.#server.listenerCount("request") > 1) return;
    if (this.#byPriority.some((attachment) => attachment.handleRequest(request, response))) return;
    response
      .writeHead(notFound.status, { "Content-Type": "text/plain; charset=utf-8" })
      .end(`${notFound.reason}\n`);
  };
}
