import { maxContainers, maxDepth } from "./plain-values.ts";

/** The maps and arrays so far in the payload that is being checked, and their limit. The check is synchronous. */
let containers = 0;
let most = maxContainers;

/**
 * Checks, before decoding, that `bytes` is one whole msgpack value without extensions, that all map keys are
 * strings, that nothing nests deeper than {@link maxDepth}, and that there are at most {@link maxContainers} maps
 * and arrays. msgpackr would also decode records, references and sets, and recurses as deeply as its input is
 * nested.
 * @throws {RangeError} if one of these checks fails.
 * @see https://github.com/msgpack/msgpack/blob/master/spec.md for the formats.
 */
export function checkPlainMsgpack(bytes: Uint8Array): void {
  containers = 0;
  most = maxContainers;
  if (skip(bytes, 0, 1) !== bytes.length)
    throw new RangeError("The payload is truncated or has extra bytes.");
}

/** Returns the number of maps and arrays in a value. @param bytes plain msgpack */
export function containersIn(bytes: Uint8Array): number {
  containers = 0;
  most = Number.POSITIVE_INFINITY;
  skip(bytes, 0, 1);
  return containers;
}

/** Returns the index after the value that begins at `at`. This index may be beyond the end of `bytes`. */
function skip(bytes: Uint8Array, at: number, depth: number): number {
  const token = unsigned(bytes, at, 1);
  // Formats whose token also contains the value, or the length of the value.
  if (token < 0x80 || token >= 0xe0) return at + 1;
  if (token < 0x90) return skipMap(bytes, at + 1, token & 0x0f, depth);
  if (token < 0xa0) return skipItems(bytes, at + 1, token & 0x0f, depth);
  if (token < 0xc0) return at + 1 + (token & 0x1f);
  // Integers of 1, 2, 4 or 8 bytes: unsigned up to 0xcf, signed from 0xd0.
  if (token >= 0xcc && token <= 0xd3) return at + 1 + (1 << (token & 3));
  // Bytes (0xc4 to 0xc6) and strings (0xd9 to 0xdb), each after a length of 1, 2 or 4 bytes.
  if (token >= 0xc4 && token <= 0xc6) return skipBytes(bytes, at + 1, 1 << (token - 0xc4));
  if (token >= 0xd9 && token <= 0xdb) return skipBytes(bytes, at + 1, 1 << (token - 0xd9));
  switch (token) {
    case 0xc0: // nil
    case 0xc2: // false
    case 0xc3: // true
      return at + 1;
    case 0xca: // float
      return at + 5;
    case 0xcb: // double
      return at + 9;
    case 0xdc:
      return skipItems(bytes, at + 3, unsigned(bytes, at + 1, 2), depth);
    case 0xdd:
      return skipItems(bytes, at + 5, unsigned(bytes, at + 1, 4), depth);
    case 0xde:
      return skipMap(bytes, at + 3, unsigned(bytes, at + 1, 2), depth);
    case 0xdf:
      return skipMap(bytes, at + 5, unsigned(bytes, at + 1, 4), depth);
    default:
      throw new RangeError(`0x${token.toString(16)} begins an extension or is not a msgpack format.`);
  }
}

function skipBytes(bytes: Uint8Array, at: number, sizeOfLength: number): number {
  return at + sizeOfLength + unsigned(bytes, at, sizeOfLength);
}

function skipItems(bytes: Uint8Array, from: number, count: number, depth: number): number {
  checkContainer(depth);
  let at = from;
  for (let index = 0; index < count; index += 1) at = skip(bytes, at, depth + 1);
  return at;
}

function checkContainer(depth: number): void {
  if (depth > maxDepth) throw new RangeError("The payload is nested too deeply.");
  containers += 1;
  if (containers > most) throw new RangeError("The payload has too many maps and arrays.");
}

function skipMap(bytes: Uint8Array, from: number, count: number, depth: number): number {
  checkContainer(depth);
  let at = from;
  for (let index = 0; index < count; index += 1) {
    if (!beginsString(unsigned(bytes, at, 1))) throw new RangeError("A map key is not a string.");
    at = skip(bytes, skip(bytes, at, depth), depth + 1);
  }
  return at;
}

function beginsString(token: number): boolean {
  return (token >= 0xa0 && token < 0xc0) || (token >= 0xd9 && token <= 0xdb);
}

function unsigned(bytes: Uint8Array, at: number, size: number): number {
  let value = 0;
  for (let index = at; index < at + size; index += 1) {
    const byte = bytes[index];
    if (byte === undefined) throw new RangeError("The payload is truncated.");
    value = value * 256 + byte;
  }
  return value;
}
