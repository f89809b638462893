import type { Duplex, Writable } from "node:stream";
import type { WebSocket } from "ws";
import type { Budget, Task } from "../../layers/scheduler.ts";
import type { Scheduler } from "../scheduler/scheduler.ts";

/** Bytes that are parsed between two checks: at most 170 frames of a client. */
export const sliceBytes = 1_024;
/** Parsing a slice of small frames takes about as long as this many units of a budget. */
const unitsPerSlice = 32;

/**
 * Passes the bytes of one socket to ws in slices. Between two slices, it stops if the mailbox is full, or if
 * the turn of the event loop has no time left. The rest stays in the buffer of the socket, and is read in a
 * later turn, in which all sockets with such a rest take turns.
 */
export class PacedReader implements Task {
  readonly #websocket: WebSocket;
  readonly #parser: Writable;
  readonly #socket: Duplex;
  readonly #scheduler: Pick<Scheduler, "inline" | "reads">;
  #isHeld = false;
  #isScheduled = false;

  /** @param parser the receiver of `websocket`. When it is full, ws resumes `socket` by itself. */
  constructor(
    websocket: WebSocket,
    parser: Writable,
    socket: Duplex,
    scheduler: Pick<Scheduler, "inline" | "reads">,
  ) {
    this.#websocket = websocket;
    this.#parser = parser;
    this.#socket = socket;
    this.#scheduler = scheduler;
    // Otherwise ws parses the whole rest when the connection breaks.
    socket.prependListener("close", () => void socket.read());
  }

  /** Parses the start of `chunk`, and keeps the rest for a later turn. */
  read(chunk: Buffer): void {
    const { inline } = this.#scheduler;
    let parsed = 0;
    let hasRoom = true;
    do {
      hasRoom = this.#parse(chunk.subarray(parsed, parsed + sliceBytes));
      parsed += sliceBytes;
      inline.charge(unitsPerSlice);
    } while (parsed < chunk.length && hasRoom && inline.hasTime);
    if (parsed >= chunk.length || !this.#parser.writable || this.#socket.destroyed) return;
    this.#socket.pause();
    this.#socket.unshift(chunk.subarray(parsed));
    if (!this.#parser.writableNeedDrain) this.#schedule();
  }

  /** Stops reading until {@link release}. */
  hold(): void {
    this.#isHeld = true;
    this.#websocket.pause();
  }

  /** Continues to read in the next turn. */
  release(): void {
    this.#isHeld = false;
    this.#schedule();
  }

  run(budget: Budget): boolean {
    const socket = this.#socket;
    while (!this.#isHeld && socket.readableLength > 0 && !this.#parser.writableNeedDrain) {
      if (!budget.hasTime) return false;
      // The read emits `data`, which parses the slice.
      socket.read(Math.min(socket.readableLength, sliceBytes));
      budget.charge(unitsPerSlice);
    }
    this.#isScheduled = false;
    if (!this.#isHeld) this.#websocket.resume();
    return true;
  }

  #schedule(): void {
    if (this.#isHeld || this.#isScheduled) return;
    this.#isScheduled = true;
    this.#scheduler.reads.add(this);
  }

  /** @returns whether more bytes may be parsed in this turn. */
  #parse(slice: Buffer): boolean {
    return this.#parser.writable && this.#parser.write(slice) && !this.#isHeld && !this.#socket.destroyed;
  }
}
