import type { Duplex } from "node:stream";
import { WebSocket } from "ws";
import type { Frame } from "../../actors/index.ts";
import type { OutboxSettings } from "../consumer-settings.ts";
import { ConnectionLostError } from "../errors.ts";
import type { RuntimeContext } from "../runtime-context.ts";
import type { Flushable } from "../scheduler/flush-queue.ts";
import { encodedSize, encodeFrame } from "./frame-encoder.ts";
import type { EncodedParts, FrameTrie } from "./frame-trie.ts";
import { pieceBytes, type Write } from "./held-writes.ts";
import { type PacedOutbox, PacedWriter, tooSlow } from "./paced-writer.ts";
import type { Trailer, TransportListener } from "./transport.ts";
import { unpool } from "./unpool.ts";

export type OutboxContext = Pick<
  RuntimeContext,
  "counters" | "frames" | "progressWatch" | "scheduler" | "waitingBytes"
>;

/**
 * The write buffer of one socket. The frames of one turn are written together and may have any size. If more
 * than `maxLagBytes` bytes of earlier turns wait, the connection is closed or the oldest frames are dropped.
 */
export class Outbox implements Flushable, PacedOutbox {
  readonly settings: OutboxSettings;
  readonly listener: TransportListener;
  readonly context: OutboxContext;
  readonly websocket: WebSocket;
  readonly socket: Duplex;
  readonly #compresses: boolean;
  /** The frames that wait for the next flush. */
  #frames: FrameTrie | undefined;
  #trailer: Trailer | undefined;
  /** Whether the outbox waits for a flush. */
  #isScheduled = false;
  /** Bytes that were written directly to the socket after the last numbered ping. */
  #unconfirmedBytes = 0;
  /** Created on demand, because most clients read quickly and receive little. */
  #writer: PacedWriter | undefined;

  constructor(
    websocket: WebSocket,
    socket: Duplex,
    context: OutboxContext,
    settings: OutboxSettings,
    listener: TransportListener,
  ) {
    this.websocket = websocket;
    this.socket = socket;
    this.context = context;
    this.settings = settings;
    this.listener = listener;
    // Compression is the only extension that the server accepts.
    this.#compresses = websocket.extensions !== "";
  }

  get waitingBytes(): number {
    return this.laggingBytes + (this.#frames?.size ?? 0);
  }

  get laggingBytes(): number {
    return this.websocket.bufferedAmount + (this.#writer?.unpassedBytes ?? 0);
  }

  /** The number of pings that the outbox has sent and the client has answered. */
  get answeredPings(): number {
    return this.#writer?.answeredPings ?? 0;
  }

  get hasRoom(): boolean {
    return this.waitingBytes <= this.settings.maxLagBytes / 2;
  }

  get isOpen(): boolean {
    return this.websocket.readyState === WebSocket.OPEN && this.socket.writable;
  }

  put(frame: Frame): void {
    if (this.#frames === undefined) {
      this.#frames = this.context.frames.root.append(frame);
      this.#schedule();
    } else {
      this.#frames = this.#frames.append(frame);
    }
  }

  /** Writes the queued frames and then a control frame, at once. The control frame is not shared. */
  writeControl(text: string): void {
    this.#flushFrames();
    if (this.isOpen) this.#writeControls([text]);
  }

  /** Makes the next flush write the control frames of `trailer` behind all other frames. */
  addTrailer(trailer: Trailer): void {
    this.#trailer = trailer;
    this.#schedule();
  }

  flush(): void {
    this.#isScheduled = false;
    this.#flushFrames();
    if (this.#trailer === undefined || !this.#hasRoomForTrailer) return;
    const trailer = this.#trailer;
    this.#trailer = undefined;
    if (this.isOpen) this.#writeControls(trailer.take());
  }

  onProgress(): void {
    if (this.#trailer !== undefined && this.#hasRoomForTrailer) this.#schedule();
  }

  /** Whether no earlier control frames wait: a client that asks but does not read must not fill the memory. */
  get #hasRoomForTrailer(): boolean {
    return this.#writer?.holdsControls !== true;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.context.scheduler.flushes.add(this);
  }

  #flushFrames(): void {
    const frames = this.#frames;
    if (frames === undefined) return;
    this.#frames = undefined;
    const lag = this.laggingBytes;
    if (!this.isOpen) {
      this.drop("closing", frames.length);
    } else if (lag > this.settings.maxLagBytes && this.settings.overflow === "close") {
      this.drop("slow", frames.length);
      this.cut(tooSlow);
    } else {
      this.#write(this.#encode(frames, lag), lag);
    }
  }

  /** Drops and counts the frames that are not passed to the socket yet, and reports that the client lags. */
  cut(reason: string): void {
    this.drop("slow", (this.#frames?.length ?? 0) + (this.#writer?.clear() ?? 0));
    this.#frames = undefined;
    this.listener.lagging(reason);
  }

  /** Counts frames that are not written, unless the listener keeps them for another socket. */
  drop(reason: "closing" | "slow", count: number): void {
    if (this.listener.skipNotice === undefined) this.context.counters.drop(reason, count);
  }

  /** Resolves once {@link hasRoom}. @throws {ConnectionLostError} if the connection ends before that. */
  drained(): Promise<void> {
    if (this.isOpen && this.hasRoom) return Promise.resolve();
    if (this.websocket.readyState !== WebSocket.CLOSED) return this.#pacedWriter.drained();
    return Promise.reject(ConnectionLostError.whileSending());
  }

  /** Writes all waiting frames, because the socket is about to close. */
  finish(): void {
    this.#flushFrames();
    this.#writer?.finish();
  }

  /** MUST be called after the socket has closed. */
  end(): void {
    this.finish();
    this.#writer?.end();
  }

  get #pacedWriter(): PacedWriter {
    this.#writer ??= new PacedWriter(this);
    return this.#writer;
  }

  #encode(frames: FrameTrie, lag: number): Write {
    const { length } = frames;
    try {
      if (!this.#compresses) {
        const content = frames.encode(pieceBytes);
        if (!Buffer.isBuffer(content))
          return { content: lag === 0 ? content : unpoolParts(content), length, size: content.size };
        return { content: lag === 0 ? content : unpool(content), length, size: content.length };
      }
    } catch {
      // The paced writer reports the frame that cannot be encoded.
    }
    return { content: frames.frames, length, size: frames.size };
  }

  #writeControls(texts: readonly string[]): void {
    for (const text of texts) {
      const content = this.#compresses ? [text] : encodeFrame(text);
      this.#write({ content, length: 0, size: encodedSize(text) }, this.laggingBytes);
    }
  }

  #write(write: Write, lag: number): void {
    const { content, length, size } = write;
    const { counts } = this.settings;
    counts.framesOut += length;
    counts.bytesOut += size;
    if (lag > 0 || size > pieceBytes || !Buffer.isBuffer(content)) {
      this.#pacedWriter.add(write);
      return;
    }
    this.socket.write(content);
    this.#unconfirmedBytes += size;
    if (this.#unconfirmedBytes >= pieceBytes) {
      this.#unconfirmedBytes = 0;
      this.#pacedWriter.ping();
    }
    if (this.websocket.bufferedAmount > 0) this.#pacedWriter.onDirectWrite();
    else this.#writer?.settle();
  }
}

const unpoolParts = ({ parts, size }: EncodedParts): EncodedParts => ({ parts: parts.map(unpool), size });
