import { InvalidMessageError } from "./errors.ts";
import type { Message } from "./message.ts";
import { decode, encode, maxPayloadBytes } from "./wire/codec.ts";
import { containersIn } from "./wire/plain-msgpack.ts";
import { maxContainers } from "./wire/plain-values.ts";

/** The maximum encoded size of a value inside another message, in bytes, and the maximum of its objects and arrays. */
const maxValueBytes = maxPayloadBytes - 64 * 1024;
const maxValueContainers = maxContainers - 10_000;
const maxPartBytes = 128 * 1024;
const maxPartContainers = maxContainers / 2;

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
  if (payload.length > maxBytes) {
    throw new InvalidMessageError(
      `${name} must not exceed ${maxBytes} bytes when encoded: this one has ${payload.length}.`,
    );
  }
  const containers = containersIn(payload);
  if (containers <= maxValueContainers) return decode(payload).message.value;
  throw new InvalidMessageError(
    `${name} must not have more than ${maxValueContainers} objects and arrays: this one has ${containers}.`,
  );
}

/**
 * Splits a list into one or more parts of at most 128 KiB (encoded), with at most 50,000 objects and arrays. A larger
 * entry is a part of its own.
 */
export function inParts<T>(entries: readonly T[]): readonly (readonly T[])[] {
  let part: T[] = [];
  const parts = [part];
  let bytes = 0;
  let containers = 0;
  for (const entry of entries) {
    const payload = encodeValue(entry);
    const added = containersIn(payload);
    const isFull = bytes + payload.length > maxPartBytes || containers + added > maxPartContainers;
    if (isFull && part.length > 0) {
      part = [];
      parts.push(part);
      bytes = 0;
      containers = 0;
    }
    bytes += payload.length;
    containers += added;
    part.push(entry);
  }
  return parts;
}

const encodeValue = (value: unknown) => encode({ type: "greenroom.value", value });
