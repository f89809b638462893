/** What a frame's opcode says it is (RFC 6455, 11.8). */
export const opcodes = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** Hears of one frame: its payload is in `bytes`, from `start` to before `end`, until the call returns. */
export type FrameListener = (opcode: number, bytes: Buffer, start: number, end: number) => void;

/** Finds the frames in what a server sends, wherever the network cuts it. It copies what is cut, and nothing else. */
export class FrameReader {
  readonly #onFrame: FrameListener;
  #rest: Buffer | undefined;

  constructor(onFrame: FrameListener) {
    this.#onFrame = onFrame;
  }

  /**
   * @param chunk may be overwritten after the call
   * @throws for what no server in this bench may send: frames that are masked, compressed or in fragments.
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

/** Where the payload of the frame begins; nothing while its head is not all there. */
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
