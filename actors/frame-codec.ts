import { isPromise } from "../layers/async-errors.ts";
import { textOf } from "../layers/errors.ts";
import type { Frame } from "./consumer-context.ts";
import { cachedFrame, jsonText } from "./json-text.ts";
import { NotJsonError } from "./json-values.ts";
import { parseJson } from "./parse-json.ts";

/** A codec of text frames: see {@link FrameCodec}. */
export interface TextCodec {
  readonly binary?: false;
  /** @throws any error if the client's text is malformed. */
  decode(text: string): unknown;
  /** @throws any error if the codec cannot encode `value`. */
  encode(value: unknown): string;
}

/** A codec of binary frames: see {@link FrameCodec}. */
export interface BinaryCodec {
  readonly binary: true;
  /** @throws any error if the client's bytes are malformed. */
  decode(bytes: Uint8Array): unknown;
  /** The bytes MUST NOT change later. @throws any error if the codec cannot encode `value`. */
  encode(value: unknown): Uint8Array;
}

/**
 * Decodes the frames of a client, and encodes those of the server. Both methods return at once, without a promise.
 * `encode` gives the same frame for the same value, because the frame of a delivered message is kept for the other
 * members of the group.
 *
 * @example
 * ```ts
 * const superJson: FrameCodec = { decode: (text) => superjson.parse(text), encode: (value) => superjson.stringify(value) };
 * const msgpack: FrameCodec = { binary: true, decode: (bytes) => unpack(bytes), encode: (value) => pack(value) };
 * ```
 */
export type FrameCodec = TextCodec | BinaryCodec;

/** JSON, as {@link JsonWebSocketConsumer.sendJson} describes it. */
export const jsonCodec: TextCodec = { decode: parseJson, encode: jsonText };

/** Decodes a frame of the kind that `codec` takes. @throws as `codec.decode` does. */
export function decodeFrame(codec: FrameCodec, frame: Frame): unknown {
  const value = codec.decode(frame as never);
  if (disowned(value)) throw new TypeError("`codec.decode` returned a promise. It has to return the value.");
  return value;
}

/** @throws {NotJsonError} if `codec` cannot encode `value`. */
export function encodeFrame(codec: FrameCodec, value: unknown): Frame {
  if (codec === jsonCodec) return jsonText(value);
  const encode = () => encodeWith(codec, value);
  return typeof value === "object" && value !== null ? cachedFrame(value, codec, encode) : encode();
}

function encodeWith(codec: FrameCodec, value: unknown): Frame {
  let frame: unknown;
  try {
    frame = codec.encode(value);
  } catch (error) {
    throw new NotJsonError(`The codec cannot encode the value: ${textOf(error)}`, { cause: error });
  }
  if (codec.binary ? frame instanceof Uint8Array : typeof frame === "string") return frame as Frame;
  disowned(frame);
  const form = codec.binary ? "a Uint8Array" : "a string";
  throw new NotJsonError(`\`codec.encode\` has to return ${form}, not a value of the type ${typeof frame}.`);
}

/** Whether `value` is a promise. If so, its rejection is ignored, because another error reports the promise. */
function disowned(value: unknown): boolean {
  if (!isPromise(value)) return false;
  value.then(undefined, () => {});
  return true;
}
