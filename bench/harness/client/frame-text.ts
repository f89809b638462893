/**
 * Encodes a WebSocket frame (RFC 6455, 5.2).
 *
 * @param mask four bytes, for a frame of a client
 */
export function frameText(text: string, mask?: Uint8Array, opcode = 1): Buffer {
  const length = Buffer.byteLength(text);
  const head = headOf(length, opcode, mask !== undefined);
  const frame = Buffer.allocUnsafe(head.length + (mask?.length ?? 0) + length);
  head.copy(frame);
  if (mask === undefined) {
    frame.write(text, head.length);
    return frame;
  }
  frame.set(mask, head.length);
  const start = head.length + mask.length;
  frame.write(text, start);
  for (let at = 0; at < length; at += 1) {
    frame[start + at] = (frame[start + at] ?? 0) ^ (mask[at % 4] ?? 0);
  }
  return frame;
}

function headOf(length: number, opcode: number, masked: boolean): Buffer {
  const [first, maskBit] = [0x80 | opcode, masked ? 0x80 : 0];
  if (length < 126) return Buffer.of(first, maskBit | length);
  if (length < 65_536) return Buffer.of(first, maskBit | 126, length >> 8, length & 0xff);
  const head = Buffer.alloc(10);
  head.set([first, maskBit | 127]);
  head.writeBigUInt64BE(BigInt(length), 2);
  return head;
}
