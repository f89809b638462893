import type { AskOptions } from "../../actors/index.ts";
import type { ChannelLayer } from "../../layers/channel-layer.ts";
import { maxDelayMs } from "../../layers/check-integer.ts";
import { InvalidNameError } from "../../layers/errors.ts";
import { checkChannel } from "../../layers/names.ts";
import { UnknownLayerError } from "../errors.ts";

const defaultTimeoutMs = 5_000;

/** @throws {InvalidNameError} for what is no name of an actor's channel. */
export function checkActorChannel(channel: string): void {
  checkChannel(channel);
  if (channel.includes("!")) return;
  throw new InvalidNameError(
    `"${channel}" is no actor's channel, which has a '!' inside: send to a channel for workers over its layer.`,
  );
}

/** @param what what is said to be on it. @throws {UnknownLayerError} listing the layers there are. */
export function layerOf(
  layers: Readonly<Record<string, ChannelLayer>>,
  alias: string | undefined,
  what: string,
): ChannelLayer {
  const layer = alias !== undefined && Object.hasOwn(layers, alias) ? layers[alias] : undefined;
  if (layer !== undefined) return layer;
  throw new UnknownLayerError(
    `${what} is on no layer of this runtime: say which with the option \`layer\`. ` +
      `It has: ${Object.keys(layers).join(", ") || "none"}.`,
  );
}

/** What groups and messages of the nodes themselves begin with. */
export const reserved = "greenroom.";

/** @throws {InvalidNameError} for the name of a group that is not for actors. */
export function checkActorGroup(group: string): void {
  if (typeof group !== "string" || !group.startsWith(reserved)) return;
  throw new InvalidNameError(
    `"${group}" is no group for actors: names that begin with "${reserved}" are reserved for what nodes say to each other.`,
  );
}

/** @throws {RangeError} */
export function timeoutOf({ timeoutMs = defaultTimeoutMs }: AskOptions): number {
  if (Number.isInteger(timeoutMs) && timeoutMs >= 1 && timeoutMs <= maxDelayMs) return timeoutMs;
  throw new RangeError(`timeoutMs is a whole number from 1 to ${maxDelayMs}, not ${String(timeoutMs)}.`);
}
