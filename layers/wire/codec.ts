import { type Options, Packr } from "msgpackr";
import { InvalidMessageError } from "../errors.ts";
import type { Message } from "../message.ts";
import { checkPlainMsgpack } from "./plain-msgpack.ts";
import { deepFreeze, isPlainObject, plain } from "./plain-values.ts";

/** The largest payload, in bytes. */
export const maxPayloadBytes = 1024 * 1024;

/** The one key of a message that belongs to the layer. Members never see it; who sends it is refused. */
export const reservedKey = "__greenroom__";

/** What a layer adds to a message on the wire, under {@link reservedKey}. */
export interface Envelope {
  /** The channel that a direct send is for. */
  readonly to?: string;
  /** The channel that a group's message is not for. */
  readonly except?: string;
  /** The channel that hears what becomes of a job. */
  readonly replyTo?: string;
  /** What the job is called there. */
  readonly job?: string;
}

/** A payload, read: the message deep-frozen, and what the sender's layer added. */
export interface Decoded {
  readonly message: Message;
  readonly envelope: Envelope | undefined;
}

/** Plain maps, as any msgpack library reads them. `undefined` is left out of maps, and is nil in arrays, as in JSON. */
const options: Options & { readonly skipValues: readonly unknown[] } = {
  useRecords: false,
  structuredClone: false,
  useToJSON: false,
  skipValues: [undefined],
  encodeUndefinedAsNil: true,
  // Bytes inside a message must neither alias nor keep alive the chunk of a socket that they came in.
  copyBuffers: true,
};

class PlainPackr extends Packr {
  /** An integer is a number up to 2^53 and a bigint beyond. Known to msgpackr, though not to its types. */
  readonly int64AsType = "auto";
}

const packr = new PlainPackr(options);

/**
 * Writes `message` as one msgpack map, with `envelope` under {@link reservedKey} if there is one.
 *
 * @throws {InvalidMessageError} if it is no plain object, has no type or a reserved one, holds what msgpack cannot
 *   carry unchanged, or is more than {@link maxPayloadBytes} long with its envelope.
 */
export function encode(message: object, envelope?: Envelope): Uint8Array {
  if (!isPlainObject(message)) throw new InvalidMessageError("A message is a plain object with a `type`.");
  const { type } = message;
  if (typeof type !== "string" || type === "") {
    throw new InvalidMessageError("A message has a `type`: a string that is not empty.");
  }
  if (isRefusedType(type)) {
    throw new InvalidMessageError(`Types that begin with "xstate." belong to XState: "${type}" is refused.`);
  }
  if (reservedKey in message) {
    throw new InvalidMessageError(`The key "${reservedKey}" belongs to the layer: choose another.`);
  }
  const checked = plain(message, "message");
  const payload = packr.pack(
    envelope === undefined ? checked : Object.assign({}, checked, { [reservedKey]: envelope }),
  );
  if (payload.length > maxPayloadBytes) {
    throw new InvalidMessageError(
      `A message is at most ${maxPayloadBytes} bytes long when encoded: "${type}" has ${payload.length}.`,
    );
  }
  return payload;
}

/**
 * Reads what {@link encode}, or any other msgpack library, wrote. A key `__proto__` arrives as `__proto_`.
 *
 * @throws {RangeError} for what is no message: garbage, extensions, nesting without end, more than
 *   {@link maxPayloadBytes}, no type.
 */
export function decode(payload: Uint8Array): Decoded {
  if (payload.length > maxPayloadBytes) throw new RangeError("The payload is too long.");
  checkPlainMsgpack(payload);
  const value: unknown = packr.unpack(payload);
  if (!isMessage(value)) throw new RangeError("The payload is no map with a type.");
  if (!(reservedKey in value)) return { message: deepFreeze(value), envelope: undefined };
  const { [reservedKey]: envelope, ...message } = value;
  if (!isPlainObject(envelope)) throw new RangeError("The envelope is no map.");
  return { message: deepFreeze(message), envelope };
}

/** Whether a type is one that XState acts on, so that nobody may forge it: neither sender nor wire. */
export function isRefusedType(type: string): boolean {
  return type.startsWith("xstate.");
}

function isMessage(value: unknown): value is Message {
  return isPlainObject(value) && typeof value.type === "string" && value.type !== "";
}
