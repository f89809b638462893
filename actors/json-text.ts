import { textOf } from "../layers/errors.ts";
import type { Frame } from "./consumer-context.ts";
import { bigIntAsText, checkJson, NotJsonError } from "./json-values.ts";

interface CachedFrame {
  readonly form: unknown;
  /** Undefined after the first encoding. */
  readonly frame: Frame | undefined;
}

/** For each immutable value: its frame in the form that was encoded last. */
const frames = new WeakMap<object, CachedFrame>();

/** Encodes `value` as JSON. Caches the text of immutable values. @throws {TypeError} as `sendJson` does. */
export function jsonText(value: unknown): string {
  const encode = () => encodeJson(checkJson(value));
  return typeof value === "object" && value !== null ? cachedFrame(value, "", encode) : encode();
}

/**
 * Returns the cached frame of `value` in `form`, if `value` is immutable; otherwise the result of `encode`. Each form
 * has one type of frames.
 */
export function cachedFrame<F extends Frame>(value: object, form: unknown, encode: () => F): F {
  if (!Object.isFrozen(value)) return encode();
  const known = frames.get(value);
  if (known !== undefined && known.form === form && known.frame !== undefined) return known.frame as F;
  const frame = encode();
  // Checking immutability takes longer than encoding, so a value is checked only at its second encoding.
  if (known === undefined) frames.set(value, { form, frame: undefined });
  else if (isImmutable(value)) frames.set(value, { form, frame });
  return frame;
}

/** Encodes a value that {@link checkJson} has returned. @throws {TypeError} as `sendJson` does. */
export function encodeJson(checked: unknown): string {
  const text = encode(checked);
  if (text === undefined)
    throw new NotJsonError("JSON cannot hold a value whose toJSON() returns undefined.");
  return text;
}

/** A replacer makes `JSON.stringify` several times slower, so it is used only after a failure. */
function encode(checked: unknown): string | undefined {
  try {
    return JSON.stringify(checked);
  } catch {
    return encodeBigInts(checked);
  }
}

function encodeBigInts(checked: unknown): string | undefined {
  try {
    return JSON.stringify(checked, bigIntAsText);
  } catch (error) {
    throw new NotJsonError(textOf(error), { cause: error });
  }
}

/** Whether `value` is deep-frozen plain data without accessors or functions, so its JSON cannot change. */
function isImmutable(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return typeof value !== "function";
  if (!Object.isFrozen(value) || !isPlain(value)) return false;
  return Object.values(Object.getOwnPropertyDescriptors(value)).every(
    (property) => "value" in property && isImmutable(property.value),
  );
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === Array.prototype || prototype === null;
}
