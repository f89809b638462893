import type { Message } from "../../layers/message.ts";
import { decode, encode, maxPayloadBytes } from "../../layers/wire/codec.ts";

/**
 * A message as it arrives from another node, for one that does not leave this one: a deep-frozen copy.
 *
 * @throws {InvalidMessageError}
 */
export function carried(message: object): Message {
  return decode(encode(message)).message;
}

/** How many bytes a value takes inside a message. @throws {InvalidMessageError} for what no message can hold. */
export function sizeOf(value: unknown): number {
  return encode({ type: "greenroom.size", value }).length;
}

/** The most that a value may take which is sent on inside another message. */
export const longestValue = maxPayloadBytes - 64 * 1024;
