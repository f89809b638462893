import { InvalidMessageError } from "./errors.ts";
import type { Message } from "./message.ts";
import { decode, encode, maxPayloadBytes } from "./wire/codec.ts";

/** The maximum encoded size of a value inside another message, in bytes. */
const maxValueBytes = maxPayloadBytes - 64 * 1024;
const maxPartBytes = 128 * 1024;

/**
 * Returns a deep-frozen copy of a message, as another node would receive it.
 *
 * @throws {InvalidMessageError}
 */
export function throughCodec(message: object): Message {
  return decode(encode(message)).message;
}

/**
 * Returns a deep-frozen copy of a value, as another node would receive it inside a message.
 *
 * @param name names the value in the error, as in "A meta".
 * @throws {InvalidMessageError} if a message cannot hold the value, or the encoded value exceeds `maxBytes`.
 */
export function valueThroughCodec(value: unknown, name: string, maxBytes = maxValueBytes): unknown {
  const payload = encodeValue(value);
  if (payload.length <= maxBytes) return decode(payload).message.value;
  throw new InvalidMessageError(
    `${name} must not exceed ${maxBytes} bytes when encoded: this one has ${payload.length}.`,
  );
}

/**
 * Splits a list into parts that each fit into one message. A part has at most 128 KiB when encoded, unless a
 * single entry is larger.
 *
 * @returns at least one part, which may be empty.
 */
export function inParts<T>(entries: readonly T[]): readonly (readonly T[])[] {
  let part: T[] = [];
  const parts = [part];
  let bytes = 0;
  for (const entry of entries) {
    const size = encodeValue(entry).length;
    if (bytes + size > maxPartBytes && part.length > 0) {
      part = [];
      parts.push(part);
      bytes = 0;
    }
    bytes += size;
    part.push(entry);
  }
  return parts;
}

const encodeValue = (value: unknown) => encode({ type: "greenroom.value", value });
