import type { Duplex } from "node:stream";
import { WebSocket } from "ws";
import type { Frame } from "../../actors/index.ts";
import type { OutboxSettings } from "../consumer-settings.ts";
import { timeOf } from "../deadline.ts";
import type { RuntimeContext } from "../runtime-context.ts";
import type { Flushable } from "../scheduler/flush-queue.ts";
import type { FrameTrie } from "./frame-trie.ts";
import { HeldWrites, type Write } from "./held-writes.ts";
import type { SlowReader } from "./slow-reader-watch.ts";
import type { TransportListener } from "./transport.ts";

export type OutboxContext = Pick<
  RuntimeContext,
  "clock" | "counters" | "frames" | "scheduler" | "slowReaderWatch"
>;

/**
 * The write buffer of one socket. The frames of one turn are written together and may have any size. If more
 * than `maxLagBytes` bytes of earlier turns wait, the connection is closed or the oldest frames are dropped.
 */
export class Outbox implements Flushable, SlowReader {
  readonly #websocket: WebSocket;
  readonly #socket: Duplex;
  readonly #context: OutboxContext;
  readonly #settings: OutboxSettings;
  readonly #listener: TransportListener;
  readonly #compresses: boolean;
  readonly #heldWrites: HeldWrites | undefined;
  /** The frames that wait for the next flush. */
  #frames: FrameTrie | undefined;
  #writtenBytes = 0;
  /** The value of `#sentBytes` at the time `#stalledSince`. */
  #lastSent = 0;
  /** The unsent bytes of the current write at the time `#stalledSince`. */
  #lastUnsent = 0;
  /** Time of the client's last progress, in milliseconds; undefined while no bytes wait. */
  #stalledSince: number | undefined;

  constructor(
    websocket: WebSocket,
    socket: Duplex,
    context: OutboxContext,
    settings: OutboxSettings,
    listener: TransportListener,
  ) {
    this.#websocket = websocket;
    this.#socket = socket;
    this.#context = context;
    this.#settings = settings;
    this.#listener = listener;
    // Compression is the only extension that the server accepts.
    this.#compresses = websocket.extensions !== "";
    if (settings.overflow === "drop-oldest") {
      this.#heldWrites = new HeldWrites((write, done) => this.#write(write, done));
    }
  }

  get waitingBytes(): number {
    return this.#laggingBytes + (this.#frames?.size ?? 0);
  }

  put(frame: Frame): void {
    if (this.#frames === undefined) {
      const { frames, scheduler } = this.#context;
      this.#frames = frames.root.append(frame);
      scheduler.flushes.add(this);
    } else {
      this.#frames = this.#frames.append(frame);
    }
  }

  flush(): void {
    const frames = this.#frames;
    if (frames === undefined) return;
    this.#frames = undefined;
    const lag = this.#laggingBytes;
    if (!this.#isOpen) {
      this.#context.counters.drop("closing", frames.length);
    } else if (this.#heldWrites !== undefined) {
      this.#heldWrites.add(this.#encode(frames, lag));
      this.#dropOldest(this.#heldWrites);
    } else if (lag > this.#settings.maxLagBytes) {
      this.#context.counters.drop("slow", frames.length);
      this.#listener.lagging();
    } else {
      this.#perform(this.#encode(frames, lag));
      if (this.#laggingBytes > 0) this.#watch();
    }
  }

  /** Writes all waiting frames, because the socket is about to close. */
  finish(): void {
    this.flush();
    for (let next = this.#heldWrites?.take(); next !== undefined; next = this.#heldWrites?.take()) {
      this.#write(next);
    }
  }

  /** MUST be called after the socket has closed. */
  end(): void {
    this.#context.slowReaderWatch.remove(this);
    this.finish();
  }

  checkProgress(nowMs: number): boolean {
    if (this.#laggingBytes === 0 || this.#stalledSince === undefined || !this.#isOpen) {
      this.#stalledSince = undefined;
      return false;
    }
    if (this.#sentBytes > this.#lastSent || writeQueueSize(this.#socket) !== this.#lastUnsent) {
      this.#noteProgress(nowMs);
    } else if (nowMs - this.#stalledSince >= this.#settings.maxLagMs) {
      this.#stalledSince = undefined;
      this.#listener.lagging();
      return false;
    }
    return true;
  }

  get #isOpen(): boolean {
    return this.#websocket.readyState === WebSocket.OPEN && this.#socket.writable;
  }

  /** Number of bytes from earlier turns of the event loop that still wait for the client. */
  get #laggingBytes(): number {
    return this.#websocket.bufferedAmount + (this.#heldWrites?.bytes ?? 0);
  }

  /** Bytes that have left this process. The bytes of the current write count once the write is complete. */
  get #sentBytes(): number {
    return this.#writtenBytes - this.#laggingBytes;
  }

  #encode(frames: FrameTrie, lag: number): Write {
    const { length } = frames;
    try {
      if (!this.#compresses) {
        const content = lag === 0 ? frames.bytes : unpool(frames.bytes);
        return { content, length, size: content.length };
      }
    } catch {
      // `#writeEach` reports the frame that cannot be encoded.
    }
    return { content: frames.frames, length, size: frames.size };
  }

  #write(write: Write, done?: () => void): void {
    if (this.#isOpen) this.#perform(write, done);
    else this.#context.counters.drop("closing", write.length);
  }

  #perform({ content, size }: Write, done?: () => void): void {
    this.#writtenBytes += size;
    if (Buffer.isBuffer(content)) this.#socket.write(content, done);
    else this.#writeEach(content, done);
  }

  /** Makes ws write each frame separately, so that an invalid frame does not affect the other frames. */
  #writeEach(frames: readonly Frame[], done?: () => void): void {
    const failures: unknown[] = [];
    let left = frames.length;
    const settled = () => {
      left -= 1;
      if (left === 0) done?.();
    };
    this.#socket.cork();
    for (const frame of frames) {
      try {
        checkAttached(frame);
        this.#websocket.send(frame, settled);
      } catch (error) {
        failures.push(error);
        settled();
      }
    }
    this.#socket.uncork();
    for (const error of failures) this.#listener.failed(error, "send");
  }

  #dropOldest(heldWrites: HeldWrites): void {
    while (this.#laggingBytes > this.#settings.maxLagBytes) {
      const oldest = heldWrites.takeOldest();
      if (oldest === undefined) return;
      this.#context.counters.drop("slow", oldest.length);
    }
  }

  #watch(): void {
    if (this.#stalledSince !== undefined) return;
    this.#noteProgress(timeOf(this.#context.clock));
    this.#context.slowReaderWatch.add(this);
  }

  #noteProgress(nowMs: number): void {
    this.#stalledSince = nowMs;
    this.#lastSent = this.#sentBytes;
    this.#lastUnsent = writeQueueSize(this.#socket);
  }
}

/** Copies bytes that must wait for the client: a small buffer would keep its pool of 8 KiB in memory. */
function unpool(bytes: Buffer): Buffer {
  if (bytes.length === bytes.buffer.byteLength) return bytes;
  const own = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(own);
  return own;
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
