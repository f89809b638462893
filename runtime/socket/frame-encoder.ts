import type { Frame } from "../../actors/index.ts";

// RFC 6455, section 5.2: the opcodes, and the bit of the last fragment of a message.
const continuation = 0x0;
const text = 0x1;
const binary = 0x2;
const final = 0x80;

/** The greatest payload length, in bytes, that fits into the 7 bits of the second byte. */
const maxLength7Bits = 125;
/** The size of a header with a payload length of 16 bits. */
const longHeader = 4;

/**
 * The greatest payload of one WebSocket frame, in bytes. A larger message is sent as several WebSocket frames,
 * called fragments (RFC 6455, section 5.4), because a ping cannot be sent within a WebSocket frame.
 */
export const maxFragmentBytes = 0xffff;

/** Size of the payload of `frame`, in bytes. */
export function payloadSize(frame: Frame): number {
  return typeof frame === "string" ? Buffer.byteLength(frame) : frame.length;
}

function headerSize(payload: number): number {
  return payload <= maxLength7Bits ? 2 : longHeader;
}

/** Size of `frame` on the wire, in bytes. */
export function encodedSize(frame: Frame): number {
  const payload = payloadSize(frame);
  if (payload <= maxFragmentBytes) return headerSize(payload) + payload;
  const last = payload % maxFragmentBytes || maxFragmentBytes;
  return ((payload - last) / maxFragmentBytes) * longHeader + headerSize(last) + payload;
}

/**
 * Encodes `frame` as an unmasked, uncompressed message. A message of more than {@link maxFragmentBytes} has
 * several fragments. Replaces a lone surrogate with U+FFFD.
 * @throws {TypeError} if the buffer of `frame` was transferred.
 */
export function encodeFrame(frame: Frame): Buffer {
  const payload = payloadSize(frame);
  if (payload > maxFragmentBytes) return encodeFragments(frame);
  const header = headerSize(payload);
  const bytes = Buffer.allocUnsafe(header + payload);
  writeHeader(bytes, 0, opcodeOf(frame) | final, payload);
  if (typeof frame === "string") bytes.write(frame, header);
  else bytes.set(frame, header);
  return bytes;
}

function encodeFragments(frame: Frame): Buffer {
  const payload = typeof frame === "string" ? Buffer.from(frame) : frame;
  const bytes = Buffer.allocUnsafe(encodedSize(frame));
  let end = 0;
  for (let start = 0; start < payload.length; start += maxFragmentBytes) {
    const fragment = payload.subarray(start, start + maxFragmentBytes);
    const isLast = start + fragment.length === payload.length;
    const opcode = start === 0 ? opcodeOf(frame) : continuation;
    end = writeHeader(bytes, end, isLast ? opcode | final : opcode, fragment.length);
    bytes.set(fragment, end);
    end += fragment.length;
  }
  return bytes;
}

const opcodeOf = (frame: Frame): number => (typeof frame === "string" ? text : binary);

/** @returns the offset of the payload. */
function writeHeader(bytes: Buffer, start: number, first: number, payload: number): number {
  bytes[start] = first;
  if (payload <= maxLength7Bits) {
    bytes[start + 1] = payload;
    return start + 2;
  }
  bytes[start + 1] = 126;
  bytes.writeUInt16BE(payload, start + 2);
  return start + longHeader;
}

/** Whether the WebSocket frame that begins at `start` is the last fragment, or the whole, of its message. */
export function isLastFragment(bytes: Buffer, start: number): boolean {
  return ((bytes[start] as number) & final) !== 0;
}

/** The offset after the WebSocket frame that begins at `start`. `bytes` are from {@link encodeFrame}. */
export function endOfFrame(bytes: Buffer, start: number): number {
  const length = bytes[start + 1] as number;
  if (length <= maxLength7Bits) return start + 2 + length;
  return start + longHeader + bytes.readUInt16BE(start + 2);
}
