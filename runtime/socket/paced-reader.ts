import type { Duplex, Writable } from "node:stream";
import type { WebSocket } from "ws";
import type { Budget, Task } from "../../layers/scheduling/lane.ts";
import type { Scheduler } from "../scheduler/scheduler.ts";

/** The smallest slice, in bytes. A slice of this size holds at most 170 frames of a client. */
export const sliceBytes = 1_024;
/** If a slice is parsed in fewer ms than this, it contains few frames, so the next slice is larger. */
const quickMs = 0.05;
/** Parsing a slice of small frames takes about as long as this many units of a budget. */
const unitsPerSlice = 32;

/**
 * Passes the bytes of one socket to ws in slices. Between two slices, the reader stops if the mailbox is
 * full, or if the turn of the event loop has no time left. The other bytes stay in the buffer of the socket,
 * and are read in later turns, in which all sockets with such bytes share the time.
 */
export class PacedReader implements Task {
  readonly #websocket: WebSocket;
  readonly #parser: Writable;
  readonly #socket: Duplex;
  readonly #scheduler: Pick<Scheduler, "inlineBudget" | "now" | "reads">;
  /** Doubles while slices are quick: ws takes quadratic time for a large frame in many small slices. */
  #sliceBytes = sliceBytes;
  #isHeld = false;
  #isScheduled = false;

  /** @param parser the receiver of `websocket`. Once a full parser has room again, ws resumes `socket`. */
  constructor(
    websocket: WebSocket,
    parser: Writable,
    socket: Duplex,
    scheduler: Pick<Scheduler, "inlineBudget" | "now" | "reads">,
  ) {
    this.#websocket = websocket;
    this.#parser = parser;
    this.#socket = socket;
    this.#scheduler = scheduler;
    // Discards the unread bytes when the connection breaks. Otherwise ws would parse all of them.
    socket.prependListener("close", () => void socket.read());
  }

  /** Parses the start of `chunk`, and keeps the rest for a later turn. @returns the number of parsed bytes. */
  read(chunk: Buffer): number {
    const budget = this.#scheduler.inlineBudget();
    let parsed = 0;
    // Without time, nothing is parsed: Node may read 2 MB of each socket before the turn ends.
    while (parsed < chunk.length && this.#hasRoom && budget.hasTime) {
      const slice = chunk.subarray(parsed, parsed + this.#sliceBytes);
      parsed += slice.length;
      this.parse(slice);
      budget.charge(unitsPerSlice);
    }
    if (parsed === chunk.length || !this.#isOpen) return chunk.length;
    this.#socket.pause();
    this.#socket.unshift(chunk.subarray(parsed));
    if (!this.#parser.writableNeedDrain) this.#schedule();
    return parsed;
  }

  /** Parses a whole slice. */
  parse(slice: Buffer): void {
    if (!this.#isOpen) return;
    const startedAt = this.#scheduler.now();
    this.#parser.write(slice);
    const isQuick = this.#scheduler.now() - startedAt < quickMs;
    this.#sliceBytes = isQuick ? Math.max(sliceBytes, 2 * slice.length) : sliceBytes;
  }

  /** Stops reading until {@link release}. */
  hold(): void {
    this.#isHeld = true;
    this.#websocket.pause();
  }

  /** Continues to read in the next check phase. */
  release(): void {
    this.#isHeld = false;
    this.#schedule();
  }

  run(budget: Budget): boolean {
    const socket = this.#socket;
    while (socket.readableLength > 0 && this.#hasRoom) {
      if (!budget.hasTime) return false;
      // The read emits `data`, and the transport passes the slice to `parse`.
      socket.read(Math.min(socket.readableLength, this.#sliceBytes));
      budget.charge(unitsPerSlice);
    }
    // A parser that inflates a frame is busy, but does not always announce that it is ready again.
    const isBusy = this.#isOpen && this.#parser.writableLength > 0 && !this.#parser.writableNeedDrain;
    if (isBusy && !this.#isHeld && socket.readableLength > 0) return false;
    this.#isScheduled = false;
    if (!this.#isHeld) this.#websocket.resume();
    return true;
  }

  get #isOpen(): boolean {
    return this.#parser.writable && !this.#socket.destroyed;
  }

  /** Whether more bytes may be parsed now. */
  get #hasRoom(): boolean {
    return !this.#isHeld && this.#isOpen && this.#parser.writableLength === 0;
  }

  #schedule(): void {
    if (this.#isHeld || this.#isScheduled) return;
    this.#isScheduled = true;
    this.#scheduler.reads.add(this);
  }
}
