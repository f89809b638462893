import type { Duplex } from "node:stream";
import { WebSocket } from "ws";
import type { Frame } from "../actors/index.ts";
import type { Environment } from "./environment.ts";
import type { Flushable } from "./turn.ts";

/** The transport whose outbox it is. */
export interface OutboxOwner {
  /** More than `maxLagBytes` of earlier turns still wait for the client to read. */
  lagging(): void;
  /** A frame cannot be written. */
  failed(error: unknown): void;
}

/** What waits to be written to one socket. It is flushed in one write at the end of each turn of the event loop. */
export class Outbox implements Flushable {
  readonly #websocket: WebSocket;
  readonly #socket: Duplex;
  readonly #environment: Environment;
  readonly #owner: OutboxOwner;
  #frames: Frame[] = [];

  constructor(websocket: WebSocket, socket: Duplex, environment: Environment, owner: OutboxOwner) {
    this.#websocket = websocket;
    this.#socket = socket;
    this.#environment = environment;
    this.#owner = owner;
  }

  put(frame: Frame): void {
    if (this.#frames.push(frame) === 1) this.#environment.turn.add(this);
  }

  flush(): void {
    const frames = this.#frames;
    if (frames.length === 0) return;
    this.#frames = [];
    const { counters, limits } = this.#environment;
    if (this.#websocket.readyState !== WebSocket.OPEN || !this.#socket.writable) {
      counters.drop("closing", frames.length);
      return;
    }
    if (this.#websocket.bufferedAmount > limits.maxLagBytes) {
      counters.drop("slow", frames.length);
      this.#owner.lagging();
      return;
    }
    // Corked, all frames leave in one `writev`.
    this.#socket.cork();
    let sent = 0;
    try {
      for (const frame of frames) {
        this.#websocket.send(frame);
        sent += 1;
      }
    } catch (error) {
      counters.drop("closing", frames.length - sent - 1);
      this.#owner.failed(error);
    } finally {
      this.#socket.uncork();
    }
  }
}
