import type { Frame } from "../../actors/index.ts";
import { Fifo } from "../../layers/fifo.ts";
import { encodedSize, endOfFrame, isLastFragment, maxFragmentBytes, payloadSize } from "./frame-encoder.ts";
import type { EncodedParts } from "./frame-trie.ts";

/** The frames for a socket from one turn of the event loop. */
export interface Write {
  /** Buffers with encoded frames, or a list if ws compresses the frames or if a frame cannot be encoded. */
  readonly content: Buffer | EncodedParts | readonly Frame[];
  /** The number of the application's frames: 0 for control frames, which are never dropped. */
  readonly length: number;
  /** Uncompressed size on the wire, in bytes. */
  readonly size: number;
}

/** A frame, or a fragment of a large frame, for ws. */
export interface Fragment {
  readonly data: Frame;
  readonly binary: boolean;
  /** Whether this is the last fragment of its frame. */
  readonly fin: boolean;
}

/** A part of a write. It consists of whole WebSocket frames, so a ping may follow it. */
export interface Piece {
  readonly content: Buffer | Fragment;
  /** Number of frames that end in this piece. */
  readonly length: number;
  /** Uncompressed size on the wire, in bytes. */
  readonly size: number;
}

/** The size of a piece, in bytes. A piece is larger by at most the size of one WebSocket frame. */
export const pieceBytes = 128 * 1024;

/** Holds the writes that wait for the socket, and cuts them into pieces. The oldest writes can be dropped. */
export class HeldWrites {
  readonly #waiting = new Fifo<Write>();
  /** Precede the waiting writes: control frames that stood between dropped frames, and notices of the latter. */
  readonly #kept = new Fifo<Write>();
  /** The size of the waiting and the kept writes, in bytes. */
  #waitingBytes = 0;
  /** The number of waiting writes with control frames. */
  #waitingControls = 0;
  /** The pieces of the current write. */
  #pieces: Iterator<Piece> | undefined;
  /** Number of frames of the current write that do not end in the taken pieces. */
  #framesLeft = 0;
  /** Size of the pieces that are not taken yet, in bytes. */
  #bytesLeft = 0;
  readonly #skipNotice: ((count: number) => string) | undefined;
  /** Number of dropped frames directly before the first waiting write, of which the client is not told yet. */
  #skipped = 0;

  /** @param skipNotice creates the control frame that takes the place of dropped frames; undefined if there is none. */
  constructor(skipNotice?: (count: number) => string) {
    this.#skipNotice = skipNotice;
  }

  /** Size of the held bytes. */
  get bytes(): number {
    return this.#waitingBytes + this.#bytesLeft;
  }

  /** Whether control frames wait. */
  get hasControls(): boolean {
    return this.#waitingControls > 0 || this.#kept.size > 0;
  }

  add(write: Write): void {
    this.#waiting.push(write);
    this.#waitingBytes += write.size;
    if (write.length === 0) this.#waitingControls += 1;
  }

  /** Removes and returns the next piece, in order. */
  take(): Piece | undefined {
    for (;;) {
      const next = this.#pieces?.next();
      if (next !== undefined && next.done !== true) {
        this.#framesLeft = Math.max(0, this.#framesLeft - next.value.length);
        this.#bytesLeft -= next.value.size;
        return next.value;
      }
      const write = this.#takeKept() ?? this.#takeNotice() ?? this.#shift();
      this.#pieces = write && piecesOf(write);
      this.#framesLeft = write?.length ?? 0;
      this.#bytesLeft = write?.size ?? 0;
      if (write === undefined) return undefined;
    }
  }

  /**
   * Removes and returns the oldest write with frames of which no piece was taken. Returns undefined if there are
   * fewer than two such writes. A control frame keeps its place, because what it says may depend on it.
   */
  takeOldest(): Write | undefined {
    if (this.#waiting.size - this.#waitingControls < 2) return undefined;
    let oldest = this.#shift();
    while (oldest?.length === 0) {
      const notice = this.#takeNotice();
      if (notice !== undefined) this.#keep(notice);
      this.#keep(oldest);
      oldest = this.#shift();
    }
    this.#skipped += oldest?.length ?? 0;
    return oldest;
  }

  /** Removes all bytes. @returns the number of frames that are not taken completely. */
  clear(): number {
    let dropped = this.#framesLeft;
    for (let write = this.#shift(); write !== undefined; write = this.#shift()) dropped += write.length;
    while (this.#takeKept() !== undefined) {}
    this.#pieces = undefined;
    this.#framesLeft = 0;
    this.#bytesLeft = 0;
    return dropped;
  }

  #takeNotice(): Write | undefined {
    if (this.#skipNotice === undefined || this.#skipped === 0) return undefined;
    const notice = this.#skipNotice(this.#skipped);
    this.#skipped = 0;
    return { content: [notice], length: 0, size: encodedSize(notice) };
  }

  #keep(write: Write): void {
    this.#kept.push(write);
    this.#waitingBytes += write.size;
  }

  #takeKept(): Write | undefined {
    const write = this.#kept.shift();
    this.#waitingBytes -= write?.size ?? 0;
    return write;
  }

  #shift(): Write | undefined {
    const write = this.#waiting.shift();
    this.#waitingBytes -= write?.size ?? 0;
    if (write?.length === 0) this.#waitingControls -= 1;
    return write;
  }
}

function piecesOf({ content }: Write): Iterator<Piece> {
  if (Buffer.isBuffer(content)) return cutBytes(content);
  return "parts" in content ? cutParts(content.parts) : cutFrames(content);
}

function* cutParts(parts: readonly Buffer[]): Generator<Piece> {
  for (const part of parts) yield* cutBytes(part);
}

function* cutBytes(bytes: Buffer): Generator<Piece> {
  for (let start = 0, end = 0; start < bytes.length; start = end) {
    let length = 0;
    do {
      if (isLastFragment(bytes, end)) length += 1;
      end = endOfFrame(bytes, end);
    } while (end < bytes.length && end - start < pieceBytes);
    yield { content: bytes.subarray(start, end), length, size: end - start };
  }
}

function* cutFrames(frames: readonly Frame[]): Generator<Piece> {
  for (const frame of frames) {
    const binary = typeof frame !== "string";
    if (payloadSize(frame) <= maxFragmentBytes) {
      yield { content: { data: frame, binary, fin: true }, length: 1, size: encodedSize(frame) };
      continue;
    }
    // A copy, because a message whose buffer is transferred after its first fragment could not be finished.
    const bytes = Buffer.from(frame as string);
    for (let start = 0; start < bytes.length; start += maxFragmentBytes) {
      const data = bytes.subarray(start, start + maxFragmentBytes);
      const fin = start + data.length === bytes.length;
      yield { content: { data, binary, fin }, length: fin ? 1 : 0, size: encodedSize(data) };
    }
  }
}
