import type { Message } from "../../layers/message.ts";

/**
 * Reads what came from other nodes. Any program that reaches the layer may have sent it, so nothing of its shape is
 * taken for granted: each of these gives nothing for what is not as it should be.
 */

export type Fields = Readonly<Record<string, unknown>>;

export function readFields(value: unknown): Fields | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value) || ArrayBuffer.isView(value)) {
    return undefined;
  }
  return value as Fields;
}

export function readText(value: unknown, longest = 1_100): string | undefined {
  return typeof value === "string" && value.length <= longest ? value : undefined;
}

export function readCount(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

export function readList(value: unknown): readonly unknown[] | undefined {
  return Array.isArray(value) ? (value as readonly unknown[]) : undefined;
}

const namePattern = /^[A-Za-z0-9._-]{1,99}$/;
const channelPattern = /^(?=.{1,99}$)[A-Za-z0-9._-]+![A-Za-z0-9._-]+$/;

/** The name of a group, a tag, a node. */
export function readName(value: unknown): string | undefined {
  return typeof value === "string" && namePattern.test(value) ? value : undefined;
}

/** The name of an actor's channel. */
export function readChannel(value: unknown): string | undefined {
  return typeof value === "string" && channelPattern.test(value) ? value : undefined;
}

/** A message inside another, for which the layer has checked only that it is made of plain values. */
export function readMessage(value: unknown): Message | undefined {
  const fields = readFields(value);
  const type = fields?.type;
  if (typeof type !== "string" || type === "" || type.startsWith("xstate.")) return undefined;
  return fields as Message;
}

/** The node that a channel is on: what its name begins with. */
export const nodeOf = (channel: string): string => channel.slice(0, channel.indexOf("!"));
