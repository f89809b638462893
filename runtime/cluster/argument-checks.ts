import type { AskOptions } from "../../actors/index.ts";
import type { ChannelLayer } from "../../layers/channel-layer.ts";
import { checkInteger, maxDelayMs } from "../../layers/check-integer.ts";
import { InvalidNameError } from "../../layers/errors.ts";
import { checkChannel } from "../../layers/names.ts";
import { UnknownLayerError } from "../errors.ts";

/** The prefix of the group of nodes, and of the types of their messages. */
export const reservedPrefix = "greenroom.";

/** @throws {InvalidNameError} unless `channel` is the name of an actor's channel. */
export function checkActorChannel(channel: string): void {
  checkChannel(channel);
  if (channel.includes("!")) return;
  throw new InvalidNameError(
    `"${channel}" is not an actor's channel, which has a '!' inside: send to a channel for workers over its layer.`,
  );
}

/** @throws {InvalidNameError} if the name of the group is reserved for nodes. */
export function checkActorGroup(group: string): void {
  if (typeof group !== "string" || !group.startsWith(reservedPrefix)) return;
  throw new InvalidNameError(
    `"${group}" is not a group for actors: names that begin with "${reservedPrefix}" are reserved for messages between nodes.`,
  );
}

export function findLayer(
  layers: Readonly<Record<string, ChannelLayer>>,
  alias: string | undefined,
): ChannelLayer | undefined {
  return alias !== undefined && Object.hasOwn(layers, alias) ? layers[alias] : undefined;
}

/**
 * @param subject what should be on the layer, for the error.
 * @throws {UnknownLayerError} listing the layers there are.
 */
export function requireLayer(
  layers: Readonly<Record<string, ChannelLayer>>,
  alias: string | undefined,
  subject: string,
): ChannelLayer {
  const layer = findLayer(layers, alias);
  if (layer !== undefined) return layer;
  throw new UnknownLayerError(
    `${subject} is on no layer of this runtime: say which with the option \`layer\`. ` +
      `It has: ${Object.keys(layers).join(", ") || "none"}.`,
  );
}

/** @throws {InvalidOptionError} */
export function checkTimeout({ timeoutMs = 5_000 }: AskOptions): number {
  return checkInteger("timeoutMs", timeoutMs, { max: maxDelayMs });
}
