import type { Duplex } from "node:stream";
import { WebSocket } from "ws";
import type { Frame } from "../actors/index.ts";
import type { Environment } from "./environment.ts";
import type { Flushable } from "./turn.ts";

/** What waits to be written to one socket. It is flushed in one write at the end of each turn of the event loop. */
export class Outbox implements Flushable {
  readonly #websocket: WebSocket;
  readonly #socket: Duplex;
  readonly #environment: Environment;
  readonly #onLag: () => void;
  #frames: Frame[] = [];

  /** `onLag` is called when more than `maxLagBytes` of earlier turns still wait for the client to read. */
  constructor(websocket: WebSocket, socket: Duplex, environment: Environment, onLag: () => void) {
    this.#websocket = websocket;
    this.#socket = socket;
    this.#environment = environment;
    this.#onLag = onLag;
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
      this.#onLag();
      return;
    }
    // Corked, all frames leave in one `writev`.
    this.#socket.cork();
    for (const frame of frames) this.#websocket.send(frame);
    this.#socket.uncork();
  }
}
