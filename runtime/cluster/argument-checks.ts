import type { AskOptions } from "../../actors/index.ts";
import type { ChannelLayer } from "../../layers/channel-layer.ts";
import { checkInteger, maxDelayMs } from "../../layers/check-integer.ts";
import { InvalidNameError } from "../../layers/errors.ts";
import { checkChannel } from "../../layers/names.ts";
import { UnknownLayerError } from "../errors.ts";

/** The prefix of the types of messages between nodes, and of the name of the group of all nodes. */
export const reservedPrefix = "greenroom.";

/** @throws {InvalidNameError} unless `channel` is the name of an actor's channel. */
export function checkActorChannel(channel: string): void {
  checkChannel(channel);
  if (channel.includes("!")) return;
  throw new InvalidNameError(
    `"${channel}" is not an actor's channel, because it has no "!". Send to job workers with \`submit\`.`,
  );
}

/** @throws {InvalidNameError} if `group` has the prefix that is reserved for nodes. */
export function checkActorGroup(group: string): void {
  if (typeof group !== "string" || !group.startsWith(reservedPrefix)) return;
  throw new InvalidNameError(
    `${JSON.stringify(group)} is not a group for actors: the prefix "${reservedPrefix}" is reserved for nodes.`,
  );
}

export function findLayer(
  layers: Readonly<Record<string, ChannelLayer>>,
  alias: string | undefined,
): ChannelLayer | undefined {
  return alias !== undefined && Object.hasOwn(layers, alias) ? layers[alias] : undefined;
}

/** Returns the layer `alias`. @throws {UnknownLayerError} that names `subject` and all layers. */
export function requireLayer(
  layers: Readonly<Record<string, ChannelLayer>>,
  alias: string | undefined,
  subject: string,
): ChannelLayer {
  const layer = findLayer(layers, alias);
  if (layer !== undefined) return layer;
  throw new UnknownLayerError(
    `${subject} is not on a layer of this runtime: set the option \`layer\`. ` +
      `The runtime's layers: ${Object.keys(layers).join(", ") || "none"}.`,
  );
}

/** Returns the timeout. @throws {InvalidOptionError} if the timeout is invalid. */
export function checkTimeout({ timeoutMs = 5_000 }: AskOptions): number {
  return checkInteger("timeoutMs", timeoutMs, { max: maxDelayMs });
}
