/** The opcodes of WebSocket frames (RFC 6455, 11.8). */
export const opcodes = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/**
 * Receives a frame. The payload is in `bytes`, from `start` up to but not including `end`. The bytes may be
 * overwritten after the call.
 */
export type FrameListener = (opcode: number, bytes: Buffer, start: number, end: number) => void;

/** Parses the frames of a server from chunks of any length. Only incomplete frames are copied. */
export class FrameReader {
  readonly #onFrame: FrameListener;
  #rest: Buffer | undefined;

  constructor(onFrame: FrameListener) {
    this.#onFrame = onFrame;
  }

  /**
   * @param chunk may be overwritten after the call
   * @throws if a frame is masked, compressed or a fragment, which no server of this benchmark sends
   */
  read(chunk: Buffer): void {
    const bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    for (;;) {
      const start = payloadAt(bytes, at);
      if (start === undefined) break;
      const end = start + payloadLength(bytes, at);
      if (end > bytes.length) break;
      const first = bytes[at] ?? 0;
      if ((first & 0xf0) !== 0x80 || first === 0x80) throw new Error("A frame is compressed or a fragment.");
      this.#onFrame(first & 0x0f, bytes, start, end);
      at = end;
    }
    if (at === bytes.length) this.#rest = undefined;
    else this.#rest = Buffer.from(bytes.subarray(at));
  }
}

/** The start of the payload; `undefined` if the frame's head is incomplete. */
function payloadAt(bytes: Buffer, at: number): number | undefined {
  const second = bytes[at + 1];
  if (second === undefined) return undefined;
  if (second > 127) throw new Error("A server's frame is masked.");
  const start = at + (second < 126 ? 2 : second === 126 ? 4 : 10);
  return start <= bytes.length ? start : undefined;
}

function payloadLength(bytes: Buffer, at: number): number {
  const short = bytes[at + 1] ?? 0;
  if (short < 126) return short;
  return short === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
}
