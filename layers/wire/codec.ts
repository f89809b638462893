import { InvalidMessageError } from "../errors.ts";
import type { Message } from "../message.ts";
import { type Options, Packr } from "./msgpackr.ts";
import { checkPlainMsgpack } from "./plain-msgpack.ts";
import { deepFreeze, isPlainObject, plain } from "./plain-values.ts";

export const maxPayloadBytes = 1024 * 1024;

/** The key of the data that a layer adds to a message. Senders must not use it, and members never see it. */
export const reservedKey = "__greenroom__";

/** The data that a layer adds to a message, under {@link reservedKey}. @see JobAddress */
export interface Envelope {
  /** The recipient of a direct send. */
  readonly to?: string;
  /** The channel that does not receive a group's message. */
  readonly except?: string;
  readonly replyTo?: string;
  readonly job?: string;
}

export interface Decoded {
  readonly message: Message;
  readonly envelope: Envelope | undefined;
}

/** Writes plain maps, for all msgpack libraries. As in JSON, undefined is omitted, but is null in arrays. */
const options: Options & { readonly skipValues: readonly unknown[] } = {
  useRecords: false,
  structuredClone: false,
  useToJSON: false,
  skipValues: [undefined],
  encodeUndefinedAsNil: true,
  // A view of the socket's chunk would keep the whole chunk in memory, and share it with other messages.
  copyBuffers: true,
};

class PlainPackr extends Packr {
  /** Decodes integers up to 2^53 as numbers and larger ones as bigints. msgpackr's types lack this option. */
  readonly int64AsType = "auto";
}

const packr = new PlainPackr(options);

/**
 * Encodes `message` as one msgpack map, with `envelope` under {@link reservedKey} if there is one.
 * @throws {InvalidMessageError} if `message` is invalid, or if `message` and `envelope` together exceed
 *   {@link maxPayloadBytes}.
 */
export function encode(message: object, envelope?: Envelope): Uint8Array {
  if (!isPlainObject(message))
    throw new InvalidMessageError("A message must be a plain object with a `type`.");
  const { type } = message;
  if (typeof type !== "string" || type === "") {
    throw new InvalidMessageError("A message must have a `type`: a string that is not empty.");
  }
  if (isRefusedType(type)) {
    throw new InvalidMessageError(
      `Message types that begin with "xstate." belong to XState: rename ${JSON.stringify(type)}.`,
    );
  }
  if (reservedKey in message) {
    throw new InvalidMessageError(`The key "${reservedKey}" is reserved for the layer: use another one.`);
  }
  const checked = plain(message, "message");
  const payload = packr.pack(
    envelope === undefined ? checked : Object.assign({}, checked, { [reservedKey]: envelope }),
  );
  if (payload.length > maxPayloadBytes) {
    throw new InvalidMessageError(
      `A message is at most ${maxPayloadBytes} bytes long when encoded: ${JSON.stringify(type)} has ${payload.length}.`,
    );
  }
  return payload;
}

/**
 * Decodes a payload from any msgpack library. A key `__proto__` is decoded as `__proto_`.
 * @throws {RangeError} if the payload is not plain msgpack, nests too deeply, is too long or has no type.
 */
export function decode(payload: Uint8Array): Decoded {
  if (payload.length > maxPayloadBytes) throw new RangeError("The payload is too long.");
  checkPlainMsgpack(payload);
  const value: unknown = packr.unpack(payload);
  if (!isMessage(value)) throw new RangeError("The payload is not a map with a type.");
  if (!(reservedKey in value)) return { message: deepFreeze(value), envelope: undefined };
  const { [reservedKey]: envelope, ...message } = value;
  if (!isPlainObject(envelope)) throw new RangeError("The envelope is not a map.");
  return { message: deepFreeze(message), envelope };
}

/** Whether the type is reserved for XState's own events, and therefore forbidden in messages. */
export function isRefusedType(type: string): boolean {
  return type.startsWith("xstate.");
}

function isMessage(value: unknown): value is Message {
  return isPlainObject(value) && typeof value.type === "string" && value.type !== "";
}
