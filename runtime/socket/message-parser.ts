import type { Writable } from "node:stream";
import { unpool } from "./unpool.ts";

/** The receiver of ws. These properties are undocumented. Without them, a message has no deadline. */
export interface MessageParser extends Writable {
  /** The part of a WebSocket frame that the parser waits for: 0 is the start of the frame. */
  readonly _state?: number;
  /** Number of bytes that are not parsed yet. */
  readonly _bufferedBytes?: number;
  /** These bytes: a part for each read. */
  readonly _buffers?: Buffer[];
  /** The opcode of a message whose last fragment has not arrived; otherwise 0. */
  readonly _fragmented?: number;
  /** The fragments of this message. */
  readonly _fragments?: Buffer[];
  /** Size of these fragments, in bytes. */
  readonly _messageLength?: number;
  /** Parses the first two bytes of a WebSocket frame, or waits for them. */
  getInfo?(callback: unknown): void;
}

const counter = Symbol("counter");

interface CountingParser extends MessageParser {
  [counter]: { countFrame(): void };
}

/** Calls `countFrame` for the header of each WebSocket frame: for fragments and control frames, too. */
export function countFrames(parser: MessageParser, target: { countFrame(): void }): void {
  const { getInfo } = Object.getPrototypeOf(parser) as Pick<MessageParser, "getInfo">;
  if (getInfo === undefined) return;
  parseFrameStart ??= getInfo;
  (parser as CountingParser)[counter] = target;
  parser.getInfo = countFrame;
}

let parseFrameStart: MessageParser["getInfo"];

/** All parsers share this method, because a closure would take memory for each connection. */
function countFrame(this: MessageParser, callback: unknown): void {
  if ((this._bufferedBytes ?? 0) >= 2) (this as CountingParser)[counter].countFrame();
  parseFrameStart?.call(this, callback);
}

/** Whether the parser has a part of a message that is not complete. */
export function hasUnfinishedMessage({
  _state = 0,
  _bufferedBytes = 0,
  _fragmented = 0,
}: MessageParser): boolean {
  return _state > 0 || _bufferedBytes > 0 || _fragmented > 0;
}

/** A buffer takes about as many bytes besides its content. */
const bufferBytes = 300;

/** Number of bytes of an unfinished message that have arrived. */
export function arrivedBytes({ _bufferedBytes = 0, _messageLength = 0 }: MessageParser): number {
  return _bufferedBytes + _messageLength;
}

/** Size of the memory that an unfinished message takes, in bytes. */
export function unfinishedBytes(parser: MessageParser): number {
  const { _buffers = [], _fragments = [] } = parser;
  return arrivedBytes(parser) + bufferBytes * (_buffers.length + _fragments.length);
}

/**
 * Copies the small fragments of the last read. Otherwise, each fragment would keep the bytes of its whole
 * read, up to 64 KiB, in memory. MUST be called after each read.
 */
export function unpinFragments({ _fragments = [] }: MessageParser): void {
  for (let index = _fragments.length - 1; index >= 0; index -= 1) {
    const fragment = _fragments[index] as Buffer;
    if (2 * fragment.length >= fragment.buffer.byteLength) return;
    _fragments[index] = unpool(fragment);
  }
}
