import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { bytesWritten, surviveErrors } from "../http-response.ts";
import { earlierResponse, isAnswered } from "./answered.ts";
import type { AttachOptions } from "./attach-options.ts";
import { notFound } from "./router.ts";
import { filterUpgrades, isWebSocketUpgrade } from "./upgrade-filter.ts";
import type { Upgrades } from "./upgrades.ts";

/** A runtime on a server. */
export interface Attachment extends AttachOptions {
  readonly upgrades: Upgrades;
  /** Returns false if the runtime does not answer. */
  handleRequest(request: IncomingMessage, response: ServerResponse): boolean;
}

// All copies of this library in a process share the key. If you change `AttachedServer`, change the key, too.
const shared = Symbol.for("greenroom.attached-server.1");

/**
 * A server with one or several runtimes. All of them share one listener for upgrades and one for requests, so
 * each request is answered once. The runtime that was attached first has priority; a runtime that is closing
 * comes after the others.
 */
export class AttachedServer {
  readonly #server: Server;
  readonly #attachments: Attachment[] = [];
  #removeFilter = () => {};

  static of(server: Server & { [shared]?: AttachedServer }): AttachedServer {
    server[shared] ??= new AttachedServer(server);
    return server[shared];
  }

  constructor(server: Server) {
    this.#server = server;
  }

  /** Adds a runtime. Returns a function that removes the runtime. */
  attach(attachment: Attachment): () => void {
    if (this.#attachments.push(attachment) === 1) {
      this.#server.on("upgrade", this.#onUpgrade);
      this.#server.on("request", this.#onRequest);
      this.#removeFilter = filterUpgrades(this.#server, this.#isUpgrade);
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

  readonly #onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const earlier = earlierResponse(request, socket);
    if (earlier !== undefined) {
      // The client has not waited for an earlier response, which has to come first.
      surviveErrors(socket);
      socket.once("end", destroy);
      earlier.once("close", () => {
        socket.off("end", destroy);
        this.#onUpgrade(request, socket, head);
      });
    } else if (this.#hasOtherListeners) {
      // First, the other listeners may answer. Until their turn ends, nothing else can happen to the socket.
      process.nextTick(this.#handleUnlessAnswered, request, socket, head, bytesWritten(socket));
    } else this.#handle(request, socket, head, bytesWritten(socket));
  };

  readonly #handleUnlessAnswered = (
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    written: number,
  ): void => {
    if (!isAnswered(request, socket, written)) this.#handle(request, socket, head, written);
    else if (isWebSocketUpgrade(request)) this.#servingOf(request)?.upgrades.onOtherAnswer(request);
  };

  #handle(request: IncomingMessage, socket: Duplex, head: Buffer, written: number): void {
    const answering = isWebSocketUpgrade(request) ? (this.#servingOf(request) ?? this.#rejecting) : undefined;
    if (answering) answering.upgrades.handle(request, socket, head);
    else this.#attachments[0]?.upgrades.leave(request, socket, written);
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

function destroy(this: Duplex): void {
  this.destroy();
}
