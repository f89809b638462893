import { toUSVString } from "node:util";
import { InvalidMessageError } from "../errors.ts";

/** The maximum nesting depth of objects and arrays in a message, including the message itself. */
export const maxDepth = 100;

/**
 * The maximum number of objects and arrays in a message, including the message itself. An empty object takes one
 * byte in a payload, but 64 bytes in the heap, and half a microsecond to decode.
 */
export const maxContainers = 100_000;

/**
 * Checks that `value` holds only values that messages can hold (see {@link ChannelLayer}). Returns `value`,
 * or a copy if a value in it has to be converted. A lone surrogate becomes U+FFFD, as on a WebSocket, because
 * Python could not decode it. An integer of more than 32 bits becomes a bigint, because msgpackr would encode
 * a number of that size as a float.
 * @throws {InvalidMessageError} naming the key of an invalid value.
 */
export function plain(value: unknown, key: string, depth = 1): unknown {
  switch (typeof value) {
    case "string":
      return toUSVString(value);
    case "number":
      return isWideInteger(value) ? BigInt(value) : value;
    case "boolean":
    case "undefined":
      return value;
    case "bigint":
      if (BigInt.asIntN(64, value) === value || BigInt.asUintN(64, value) === value) return value;
      throw refused(key, "a bigint of more than 64 bits");
    case "object":
      if (value === null || value instanceof Uint8Array) return value;
      if (depth > maxDepth) throw refused(key, `nested deeper than ${maxDepth} levels`);
      if (Array.isArray(value)) return plainArray(value, key, depth);
      if (isPlainObject(value)) return plainObject(value, depth);
  }
  throw refused(key, kindOf(value));
}

/** Whether `value` is an object literal or an object from `JSON.parse`: not an array or class instance. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Freezes `value` and everything in it, except bytes, which cannot be frozen. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
  // A loop over the keys of a long array creates a string for each index.
  if (Array.isArray(value)) for (const item of value) deepFreeze(item);
  else for (const key in value) deepFreeze(value[key]);
  return Object.freeze(value);
}

function plainArray(values: readonly unknown[], key: string, depth: number): readonly unknown[] {
  let copy: unknown[] | undefined;
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index];
    const checked = plain(value, key, depth + 1);
    if (!Object.is(checked, value)) {
      copy ??= [...values];
      copy[index] = checked;
    }
  }
  return copy ?? values;
}

function plainObject(object: Record<string, unknown>, depth: number): Record<string, unknown> {
  let copy: Record<string, unknown> | undefined;
  for (const key in object) {
    if (key === "__proto__") throw refused(key, "a key that would set the prototype of an object");
    const value = object[key];
    const checked = plain(value, key, depth + 1);
    if (!Object.is(checked, value)) {
      copy ??= { ...object };
      copy[key] = checked;
    }
  }
  return copy ?? object;
}

function isWideInteger(value: number): boolean {
  return (value > 0xffff_ffff || value < -0x8000_0000) && Number.isSafeInteger(value);
}

function kindOf(value: unknown): string {
  if (typeof value !== "object") return `a ${typeof value}`;
  return `an instance of ${value?.constructor?.name ?? "an unnamed class"}`;
}

function refused(key: string, kind: string): InvalidMessageError {
  return new InvalidMessageError(
    `A message can hold only null, booleans, numbers, strings, bytes, arrays and plain objects: ${JSON.stringify(key)} is ${kind}.`,
  );
}
