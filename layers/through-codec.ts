import { InvalidMessageError } from "./errors.ts";
import type { Message } from "./message.ts";
import { decode, encode, maxPayloadBytes } from "./wire/codec.ts";

/** The maximum encoded size of a value inside another message, in bytes. */
const maxValueBytes = maxPayloadBytes - 64 * 1024;
const maxPartBytes = 128 * 1024;

/** Returns a deep-frozen copy of a message, as received by a node. @throws {InvalidMessageError} */
export function throughCodec(message: object): Message {
  return decode(encode(message)).message;
}

/**
 * Like {@link throughCodec}, for a value inside a message. The text of an error begins with `name`.
 * @throws {InvalidMessageError} if a message cannot hold the value, or the encoded value exceeds `maxBytes`.
 */
export function valueThroughCodec(value: unknown, name: string, maxBytes = maxValueBytes): unknown {
  const payload = encodeValue(value);
  if (payload.length <= maxBytes) return decode(payload).message.value;
  throw new InvalidMessageError(
    `${name} must not exceed ${maxBytes} bytes when encoded: this one has ${payload.length}.`,
  );
}

/** Splits a list into one or more parts of at most 128 KiB (encoded). A larger entry is a part of its own. */
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
