import type { Duplex } from "node:stream";
import { WebSocket } from "ws";
import type { Frame } from "../../actors/index.ts";
import type { OutboxSettings } from "../consumer-settings.ts";
import { timeOf } from "../deadline.ts";
import type { RuntimeContext } from "../runtime-context.ts";
import type { Flushable } from "./flush-scheduler.ts";
import type { FrameTrie } from "./frame-trie.ts";
import { type Batch, HeldWrites } from "./held-writes.ts";
import type { Lagging } from "./slow-reader-watch.ts";

/** The transport whose outbox it is. */
export interface OutboxOwner {
  /** Too much waits for the client, or for too long: it is to be closed for that. */
  lagging(): void;
  /** A frame cannot be written. */
  failed(error: unknown): void;
}

/** The frames of a turn, as one buffer; or each for itself where ws is to compress them, or one of them cannot be encoded. */
interface Written extends Batch {
  readonly content: Buffer | readonly Frame[];
}

/**
 * What waits to be written to one socket. It is flushed in one write at the end of each turn of the event loop.
 *
 * What a turn brings is written however much it is, unless too much of earlier turns still waits for the client to read: then
 * the client is given up, or what has waited longest is dropped.
 */
export class Outbox implements Flushable, Lagging {
  readonly #websocket: WebSocket;
  readonly #socket: Duplex;
  readonly #context: RuntimeContext;
  readonly #settings: OutboxSettings;
  readonly #owner: OutboxOwner;
  readonly #compresses: boolean;
  readonly #holdback: HeldWrites<Written> | undefined;
  /** What this turn has brought so far. */
  #sequence: FrameTrie | undefined;
  #writtenBytes = 0;
  /** How much of that had left this process at `#since`, as far as it is known: what was written in one go counts as a whole. */
  #takenBytes = 0;
  /** How much of what was written in one go was left then; 0 where that is not known. */
  #leftBytes = 0;
  /** Since when it has taken nothing, in milliseconds; undefined while nothing waits. */
  #since: number | undefined;

  constructor(
    websocket: WebSocket,
    socket: Duplex,
    context: RuntimeContext,
    settings: OutboxSettings,
    owner: OutboxOwner,
  ) {
    this.#websocket = websocket;
    this.#socket = socket;
    this.#context = context;
    this.#settings = settings;
    this.#owner = owner;
    // It is the only extension that there is.
    this.#compresses = websocket.extensions !== "";
    if (settings.overflow === "drop-oldest") {
      this.#holdback = new HeldWrites((batch, done) => this.#write(batch, done));
    }
  }

  /** Bytes that wait for the client. */
  get waitingBytes(): number {
    return this.#laggingBytes + (this.#sequence?.size ?? 0);
  }

  put(frame: Frame): void {
    if (this.#sequence === undefined) {
      const { flushScheduler } = this.#context;
      this.#sequence = flushScheduler.start.plus(frame);
      flushScheduler.add(this);
    } else {
      this.#sequence = this.#sequence.plus(frame);
    }
  }

  flush(): void {
    const sequence = this.#sequence;
    if (sequence === undefined) return;
    this.#sequence = undefined;
    if (!this.#isOpen) {
      this.#context.counters.drop("closing", sequence.length);
    } else if (this.#holdback !== undefined) {
      this.#holdback.add(this.#pack(sequence));
      this.#dropOldest(this.#holdback);
    } else if (this.#laggingBytes > this.#settings.maxLagBytes) {
      this.#context.counters.drop("slow", sequence.length);
      this.#owner.lagging();
    } else {
      this.#write(this.#pack(sequence));
      if (this.#laggingBytes > 0) this.#watch();
    }
  }

  /** Gives the socket all that waits, however much it is, since it is about to be closed. */
  finish(): void {
    this.flush();
    for (let next = this.#holdback?.take(); next !== undefined; next = this.#holdback?.take()) {
      this.#write(next);
    }
  }

  /** To be called once the socket has gone. */
  end(): void {
    this.#context.lagWatch.remove(this);
    this.finish();
  }

  lags(now: number): boolean {
    const waiting = this.#laggingBytes;
    if (waiting === 0 || this.#since === undefined || !this.#isOpen) {
      this.#since = undefined;
      return false;
    }
    const taken = this.#writtenBytes - waiting;
    const left = leftOf(this.#socket);
    if (taken > this.#takenBytes || left !== this.#leftBytes) {
      this.#takenBytes = taken;
      this.#leftBytes = left;
      this.#since = now;
    } else if (now - this.#since >= this.#settings.maxLagMs) {
      this.#since = undefined;
      this.#owner.lagging();
      return false;
    }
    return true;
  }

  get #isOpen(): boolean {
    return this.#websocket.readyState === WebSocket.OPEN && this.#socket.writable;
  }

  /** Bytes of earlier turns that still wait. */
  get #laggingBytes(): number {
    return this.#websocket.bufferedAmount + (this.#holdback?.bytes ?? 0);
  }

  #pack(sequence: FrameTrie): Written {
    const content = this.#encode(sequence) ?? sequence.frames;
    return { content, length: sequence.length, size: sequence.size };
  }

  /** What waits must not keep more from being freed than itself: small buffers are parts of one of 8 KiB. */
  #unpool(bytes: Buffer): Buffer {
    if (this.#laggingBytes === 0 || bytes.length === bytes.buffer.byteLength) return bytes;
    const own = Buffer.allocUnsafeSlow(bytes.length);
    bytes.copy(own);
    return own;
  }

  /** Nothing for those that ws is to compress, and for those that do not go on the wire as one. */
  #encode(sequence: FrameTrie): Buffer | undefined {
    if (this.#compresses) return undefined;
    try {
      return this.#unpool(sequence.bytes);
    } catch {
      return undefined;
    }
  }

  #write({ content, length, size }: Written, done?: () => void): void {
    if (!this.#isOpen) {
      this.#context.counters.drop("closing", length);
      return;
    }
    this.#writtenBytes += size;
    if (Buffer.isBuffer(content)) this.#socket.write(content, done);
    else this.#writeEach(content, done);
  }

  /** Has ws write each frame, so that one which cannot be written takes no other with it. */
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
        checkThere(frame);
        this.#websocket.send(frame, settled);
      } catch (error) {
        failures.push(error);
        settled();
      }
    }
    this.#socket.uncork();
    for (const error of failures) this.#owner.failed(error);
  }

  #dropOldest(holdback: HeldWrites<Written>): void {
    while (this.#laggingBytes > this.#settings.maxLagBytes) {
      const oldest = holdback.takeOldest();
      if (oldest === undefined) return;
      this.#context.counters.drop("slow", oldest.length);
    }
  }

  #watch(): void {
    if (this.#since !== undefined) return;
    this.#since = timeOf(this.#context.clock);
    this.#takenBytes = this.#writtenBytes - this.#laggingBytes;
    this.#leftBytes = leftOf(this.#socket);
    this.#context.lagWatch.add(this);
  }
}

/**
 * What the system has not taken yet of the write that is under way. Node's own time-outs of sockets look at it, but it is no
 * part of what Node documents.
 */
function leftOf(socket: Duplex & { readonly _handle?: { readonly writeQueueSize?: number } | null }): number {
  return socket._handle?.writeQueueSize ?? 0;
}

/** @throws {TypeError} for bytes whose buffer was transferred: ws takes them for none. */
function checkThere(frame: Frame): void {
  if (typeof frame !== "string") new Uint8Array(frame.buffer);
}
