import type { Writable } from "node:stream";
import { unpool } from "./unpool.ts";

/** The receiver of ws. These properties are undocumented. Without them, a message has no deadline. */
export interface MessageParser extends Writable {
  /** The part of a WebSocket frame that the parser waits for: 0 is the start of the frame. */
  readonly _state?: number;
  /** Number of bytes that are not parsed yet. */
  readonly _bufferedBytes?: number;
  /** The opcode of a message whose last fragment has not arrived; otherwise 0. */
  readonly _fragmented?: number;
  /** The fragments of this message. */
  readonly _fragments?: Buffer[];
}

/** Whether the parser has a part of a message that is not complete. */
export function hasUnfinishedMessage({
  _state = 0,
  _bufferedBytes = 0,
  _fragmented = 0,
}: MessageParser): boolean {
  return _state > 0 || _bufferedBytes > 0 || _fragmented > 0;
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
