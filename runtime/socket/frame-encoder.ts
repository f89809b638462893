import type { Frame } from "../../actors/index.ts";

// RFC 6455, section 5.2: the first byte of an unfragmented message.
const textMessage = 0x81;
const binaryMessage = 0x82;

/** The greatest payload length, in bytes, that fits into the 7 bits of the second byte. */
const maxLength7Bits = 125;
/** The greatest payload length, in bytes, that fits into the 16 bits after the second byte. */
const maxLength16Bits = 0xffff;

function payloadSize(frame: Frame): number {
  return typeof frame === "string" ? Buffer.byteLength(frame) : frame.length;
}

function headerSize(payload: number): number {
  if (payload <= maxLength7Bits) return 2;
  return payload <= maxLength16Bits ? 4 : 10;
}

/** Size of `frame` on the wire, in bytes. */
export function encodedSize(frame: Frame): number {
  const payload = payloadSize(frame);
  return headerSize(payload) + payload;
}

/**
 * Encodes `frame` as an unmasked, uncompressed message in one WebSocket frame. Replaces a lone surrogate with
 * U+FFFD. @throws {TypeError} if the buffer of `frame` was transferred.
 */
export function encodeFrame(frame: Frame): Buffer {
  const payload = payloadSize(frame);
  const header = headerSize(payload);
  const bytes = Buffer.allocUnsafe(header + payload);
  bytes[0] = typeof frame === "string" ? textMessage : binaryMessage;
  if (header === 2) {
    bytes[1] = payload;
  } else if (header === 4) {
    bytes[1] = 126;
    bytes.writeUInt16BE(payload, 2);
  } else {
    bytes[1] = 127;
    // The upper 16 of the 64 bits are 0, because a buffer in Node has fewer than 2^48 bytes.
    bytes.writeUInt16BE(0, 2);
    bytes.writeUIntBE(payload, 4, 6);
  }
  if (typeof frame === "string") bytes.write(frame, header);
  else bytes.set(frame, header);
  return bytes;
}
