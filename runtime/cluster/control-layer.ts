import type { ChannelLayer } from "../../layers/channel-layer.ts";
import { createLocalLayer } from "../../layers/local-layer.ts";
import { UnknownLayerError } from "../errors.ts";

/** The layer for what nodes say to each other. */
export interface ControlLayer {
  readonly layer: ChannelLayer;
  /** Undefined where the runtime has made it for itself. */
  readonly alias: string | undefined;
  /** Whether no other node can be on it. */
  readonly isAlone: boolean;
  /** Whether the runtime has no other layer. */
  readonly isOnly: boolean;
}

/**
 * The layer of that alias; without one, the only layer there is, or one that reaches nobody else.
 *
 * @throws {UnknownLayerError} listing the layers there are.
 */
export function chooseControlLayer(
  layers: Readonly<Record<string, ChannelLayer>>,
  given: string | undefined,
): ControlLayer {
  const aliases = Object.keys(layers);
  const isOnly = aliases.length === 1;
  const alias = given ?? (isOnly ? aliases[0] : undefined);
  const layer = alias !== undefined && Object.hasOwn(layers, alias) ? layers[alias] : undefined;
  if (alias !== undefined && layer !== undefined) return { layer, alias, isAlone: false, isOnly };
  if (given === undefined)
    return { layer: createLocalLayer(), alias: undefined, isAlone: true, isOnly: false };
  throw new UnknownLayerError(
    `\`control\` names the layer "${given}", which this runtime does not have. ` +
      (aliases.length > 0
        ? `It has: ${aliases.join(", ")}.`
        : "It has none: give createRuntime some `layers`."),
  );
}
