import type { EventEmitter } from "node:events";
import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import type { Frame } from "../../actors/index.ts";
import { Deferred } from "../../layers/deferred.ts";
import type { OutboxSettings } from "../consumer-settings.ts";
import { ConnectionLostError } from "../errors.ts";
import type { BudgetHolder } from "../limits/byte-budget.ts";
import type { RuntimeContext } from "../runtime-context.ts";
import { HeldWrites, type Piece, pieceBytes, type Write } from "./held-writes.ts";
import type { Watched } from "./progress-watch.ts";
import type { TransportListener } from "./transport.ts";

/** The write buffer of the socket. */
export interface PacedOutbox {
  readonly websocket: WebSocket;
  readonly socket: Duplex;
  readonly context: Pick<RuntimeContext, "counters" | "progressWatch" | "waitingBytes">;
  readonly settings: OutboxSettings;
  readonly listener: TransportListener;
  /** Whether frames can still be written. */
  readonly isOpen: boolean;
  /** Number of bytes from earlier turns of the event loop that still wait for the client. */
  readonly laggingBytes: number;
  /** Whether at most half of `maxLagBytes` wait. */
  readonly hasRoom: boolean;
  /** Counts frames that are not written, unless the listener keeps them for another socket. */
  drop(reason: "closing", count: number): void;
  /** Called when the socket has written bytes. */
  onProgress(): void;
  /** Drops the frames that are not passed to the socket yet, and closes the connection with 3008. */
  cut(reason: string): void;
}

/** The reason of the close frame for a client that exceeds the limits of its connection. */
export const tooSlow = "Reads too slowly";
/** Written to be notified when the socket has written all earlier bytes. */
const nothing = Buffer.alloc(0);
/** The size of a ping's number, in bytes. The pings of the heartbeat have no number. */
const numberBytes = 4;

/**
 * Writes large amounts of data, and data for a slow client. The writer passes one piece to the socket, and
 * holds the others until the socket has written this piece to the operating system.
 *
 * Numbered pings between the pieces measure the client's progress. The operating system would not suffice: it
 * may have megabytes of free buffer before it accepts more bytes, and so may a proxy.
 */
export class PacedWriter implements Watched, BudgetHolder {
  readonly #outbox: PacedOutbox;
  readonly #held: HeldWrites;
  /** Number of writes whose callback is pending. */
  #pending = 0;
  /** Bytes that were written after the last ping. */
  #unconfirmedBytes = 0;
  /** The number of the last ping, and of the last ping that the client has answered. */
  #pings = 0;
  #pongs = 0;
  /** Whether a ping was answered, or a write completed, since the last call of {@link noteProgress}. */
  #hasAdvanced = false;
  /** The value of `writeQueueSize` at that call. */
  #lastUnsent = 0;
  #waiter: Deferred | undefined;
  /** Whether the bytes of this client count in the budget of all clients. */
  #isCounted = false;

  constructor(outbox: PacedOutbox) {
    this.#outbox = outbox;
    this.#held = new HeldWrites(outbox.listener.skipNotice);
    // ws answers a client's close frame immediately. The held frames have to precede the answer.
    const { _receiver: receiver } = outbox.websocket as { readonly _receiver?: EventEmitter };
    receiver?.prependListener("conclude", () => this.#writeAll());
  }

  /** Number of bytes that are not passed to the socket yet. */
  get unpassedBytes(): number {
    return this.#held.bytes;
  }

  /** The number of answered pings: those of the heartbeat do not count. */
  get answeredPings(): number {
    return this.#pongs;
  }

  /** Whether control frames are not passed to the socket yet. */
  get holdsControls(): boolean {
    return this.#held.hasControls;
  }

  add(write: Write): void {
    const { settings } = this.#outbox;
    this.#held.add(write);
    this.#writeHeld();
    if (settings.overflow === "drop-oldest") this.#dropOldest(settings.maxLagBytes);
    this.#watch();
    this.settle();
    this.#count();
  }

  /** MUST be called after a write that left bytes in the socket, if no bytes waited before the write. */
  onDirectWrite(): void {
    this.#hasAdvanced = true;
    this.#watch();
    this.settle();
    this.#count();
  }

  /** Sends a numbered ping. The client answers it when the client has read all earlier bytes. */
  ping(): void {
    const { websocket } = this.#outbox;
    if (this.#pings === 0) websocket.on("pong", this.#onPong);
    this.#pings += 1;
    this.#unconfirmedBytes = 0;
    const number = Buffer.allocUnsafe(numberBytes);
    number.writeUInt32BE(this.#pings);
    websocket.ping(number);
  }

  /** Resolves once the outbox has room. @throws {ConnectionLostError} if the connection ends before that. */
  drained(): Promise<void> {
    this.#waiter ??= new Deferred();
    this.settle();
    return this.#waiter.promise;
  }

  /**
   * Resolves the promise of {@link drained} if there is room. Otherwise, makes sure that the writer is
   * notified of the next progress. {@link finish} rejects the promise.
   */
  settle(): void {
    if (this.#isCounted && this.#outbox.laggingBytes === 0) this.#uncount();
    if (this.#waiter === undefined && this.#held.bytes === 0) return;
    const { isOpen, hasRoom, laggingBytes, socket } = this.#outbox;
    if (!isOpen) return;
    if (hasRoom) {
      this.#waiter?.resolve();
      this.#waiter = undefined;
    }
    if (laggingBytes > 0 && this.#pending === 0) {
      this.#pending += 1;
      socket.write(nothing, this.#onWritten);
    }
  }

  /** Drops the held bytes. @returns the number of frames that are not passed to the socket completely. */
  clear(): number {
    return this.#held.clear();
  }

  /** Writes all held bytes. If the socket is closed, drops and counts them. */
  finish(): void {
    this.#writeAll();
    this.#outbox.drop("closing", this.#held.clear());
    this.#waiter?.reject(ConnectionLostError.whileSending());
    this.#waiter = undefined;
  }

  /** MUST be called after the socket has closed. */
  end(): void {
    this.#outbox.context.progressWatch.remove(this);
    this.#uncount();
  }

  get isWaiting(): boolean {
    return this.#outbox.laggingBytes > 0 && this.#outbox.isOpen;
  }

  get maxStallMs(): number {
    return this.#outbox.settings.maxLagMs;
  }

  get hasProgressed(): boolean {
    return this.#hasAdvanced || writeQueueSize(this.#outbox.socket) !== this.#lastUnsent;
  }

  noteProgress(): void {
    this.#hasAdvanced = false;
    this.#lastUnsent = writeQueueSize(this.#outbox.socket);
  }

  onStall(): void {
    this.#outbox.cut(tooSlow);
  }

  get heldBytes(): number {
    return this.#outbox.laggingBytes;
  }

  /** Closes the connection. If it is closing already, cuts it. */
  release(): void {
    const { context, isOpen, websocket } = this.#outbox;
    if (isOpen) {
      context.counters.limit("maxWaitingBytes");
      this.#outbox.cut("The server has no room for more waiting data");
      this.#count();
    } else {
      this.#uncount();
      websocket.terminate();
    }
  }

  #count(): void {
    this.#isCounted = true;
    this.#outbox.context.waitingBytes.note(this);
  }

  #uncount(): void {
    this.#isCounted = false;
    this.#outbox.context.waitingBytes.note(this, 0);
  }

  readonly #onWritten = (): void => {
    this.#pending -= 1;
    this.#hasAdvanced = true;
    this.#writeHeld();
    this.settle();
    if (this.#isCounted) this.#count();
    this.#outbox.onProgress();
  };

  readonly #onPong = (payload: Buffer): void => {
    if (payload.length !== numberBytes) return;
    const number = payload.readUInt32BE();
    if (number <= this.#pongs || number > this.#pings) return;
    this.#pongs = number;
    this.#hasAdvanced = true;
  };

  #writeAll(): void {
    while (this.#outbox.isOpen && this.#writePiece()) {}
  }

  /** Writes pieces until bytes wait in the socket. */
  #writeHeld(): void {
    const { websocket } = this.#outbox;
    while (this.#outbox.isOpen && websocket.bufferedAmount === 0 && this.#writePiece()) {}
  }

  /** Writes about {@link pieceBytes} at once. @returns false if no bytes are held. */
  #writePiece(): boolean {
    const { socket, listener } = this.#outbox;
    let piece = this.#held.take();
    if (piece === undefined) return false;
    const failures: unknown[] = [];
    let size = 0;
    socket.cork();
    while (piece !== undefined) {
      size += piece.size;
      try {
        this.#pass(piece);
      } catch (error) {
        failures.push(error);
        // The client counts the frames, so it has to be told about one that is missing.
        const { skipNotice } = listener;
        if (skipNotice !== undefined) this.#outbox.websocket.send(skipNotice(piece.length));
      }
      piece = size < pieceBytes ? this.#held.take() : undefined;
    }
    this.#unconfirmedBytes += size;
    if (this.#unconfirmedBytes >= pieceBytes) this.ping();
    socket.uncork();
    for (const error of failures) listener.failed(error, "send");
    return true;
  }

  /** @throws if the frame cannot be encoded. The other frames are not affected. */
  #pass({ content }: Piece): void {
    const { socket, websocket } = this.#outbox;
    if (Buffer.isBuffer(content)) {
      socket.write(content, this.#onWritten);
    } else {
      const { data, binary, fin } = content;
      checkAttached(data);
      websocket.send(data, { binary, fin }, this.#onWritten);
    }
    this.#pending += 1;
  }

  #dropOldest(maxLagBytes: number): void {
    while (this.#outbox.laggingBytes > maxLagBytes) {
      const oldest = this.#held.takeOldest();
      if (oldest === undefined) return;
      this.#outbox.context.counters.drop("slow", oldest.length);
    }
  }

  /** Watches the client while bytes wait. With `drop-oldest`, the heartbeat alone decides. */
  #watch(): void {
    const { context, laggingBytes, settings } = this.#outbox;
    if (laggingBytes > 0 && settings.overflow === "close") context.progressWatch.add(this);
  }
}

/** Unsent bytes of the current write. `writeQueueSize` is undocumented, but Node's socket timeouts use it. */
function writeQueueSize(
  socket: Duplex & { readonly _handle?: { readonly writeQueueSize?: number } | null },
): number {
  return socket._handle?.writeQueueSize ?? 0;
}

/** @throws {TypeError} if the frame's buffer was transferred. ws itself would send an empty frame. */
function checkAttached(frame: Frame): void {
  if (typeof frame !== "string") new Uint8Array(frame.buffer);
}
