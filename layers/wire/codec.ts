import { InvalidMessageError } from "../errors.ts";
import type { Delivery, Message } from "../message.ts";
import type { TraceContext } from "../tracing.ts";
import { type Options, Packr } from "./msgpackr.ts";
import { checkPlainMsgpack, containersIn } from "./plain-msgpack.ts";
import { deepFreeze, isPlainObject, maxContainers, plain } from "./plain-values.ts";

export const maxPayloadBytes = 1024 * 1024;
/** A payload that names its topic may be longer by this number of bytes, so that encryption changes no limit. */
const maxTopicBytes = 512;

/** The key of the data that a layer adds to a message. Senders must not use it, and members never see it. */
export const reservedKey = "__greenroom__";

/** The data that a layer adds to a message, under {@link reservedKey}. @see JobAddress */
export interface Envelope extends Partial<TraceContext> {
  /** The recipient of a direct send. */
  readonly to?: string;
  /** The channel that does not receive a group's message. */
  readonly except?: string;
  /** Names a group's message that may be sent twice. */
  readonly id?: string;
  /** The topic of an encrypted payload, so that the payload cannot be moved to another topic. */
  readonly topic?: string;
  readonly replyTo?: string;
  readonly job?: string;
}

/** The part of a {@link Delivery} that the envelope holds. The type of `id` is not certain on arrival. */
export function idIn(envelope: Envelope | undefined): Pick<Delivery, "id"> {
  const id: unknown = envelope?.id;
  return typeof id === "string" ? { id } : {};
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
 * Encodes `message` as one msgpack map, with `envelope` under {@link reservedKey} if there is one. The envelope also
 * holds `trace`, unless the message would then be too long.
 * @throws {InvalidMessageError} if `message` is invalid, or if `message` and `envelope` together exceed
 *   {@link maxPayloadBytes} or {@link maxContainers}.
 */
export function encode(message: object, envelope?: Envelope, trace?: TraceContext): Uint8Array {
  const payload = encodeTraced(message, envelope, trace);
  // Each object and array takes a byte or more.
  if (payload.length > maxContainers && containersIn(payload) > maxContainers) {
    const type = JSON.stringify((message as Message).type);
    throw new InvalidMessageError(
      `A message has at most ${maxContainers} objects and arrays: ${type} has more.`,
    );
  }
  return payload;
}

function encodeTraced(message: object, envelope?: Envelope, trace?: TraceContext): Uint8Array {
  if (trace === undefined) return encodePayload(message, envelope);
  const payload = pack(message, { ...envelope, ...trace });
  return payload.length <= maxPayloadBytes ? payload : encodePayload(message, envelope);
}

function encodePayload(message: object, envelope: Envelope | undefined): Uint8Array {
  const payload = pack(message, envelope);
  const length = payload.length <= maxPayloadBytes ? payload.length : lengthWithoutTopic(message, envelope);
  if (length <= maxPayloadBytes) return payload;
  const type = JSON.stringify((message as Message).type);
  throw new InvalidMessageError(
    `A message is at most ${maxPayloadBytes} bytes long when encoded: ${type} has ${length}.`,
  );
}

function lengthWithoutTopic(message: object, { topic: _, ...rest }: Envelope = {}): number {
  return pack(message, Object.keys(rest).length === 0 ? undefined : rest).length;
}

function pack(message: object, envelope: Envelope | undefined): Uint8Array {
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
  return packr.pack(
    envelope === undefined ? checked : Object.assign({}, checked, { [reservedKey]: envelope }),
  );
}

/**
 * Decodes a payload from any msgpack library. A key `__proto__` is decoded as `__proto_`.
 * @throws {RangeError} if the payload is not plain msgpack, nests too deeply, has no type, or is too long or complex.
 */
export function decode(payload: Uint8Array): Decoded {
  if (payload.length > maxPayloadBytes + maxTopicBytes) throw new RangeError("The payload is too long.");
  checkPlainMsgpack(payload);
  const value: unknown = packr.unpack(payload);
  if (!isMessage(value)) throw new RangeError("The payload is not a map with a type.");
  const envelope = value[reservedKey];
  if (envelope !== undefined && !isPlainObject(envelope)) throw new RangeError("The envelope is not a map.");
  const isTooLong = payload.length > maxPayloadBytes && envelope?.topic === undefined;
  if (isTooLong) throw new RangeError("The payload is too long.");
  if (envelope === undefined) return { message: deepFreeze(value), envelope };
  const { [reservedKey]: _, ...message } = value;
  return { message: deepFreeze(message), envelope };
}

/** Whether the type is reserved for XState's own events, and therefore forbidden in messages. */
export function isRefusedType(type: string): boolean {
  return type.startsWith("xstate.");
}

function isMessage(value: unknown): value is Message {
  return isPlainObject(value) && typeof value.type === "string" && value.type !== "";
}
