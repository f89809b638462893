import type { ChannelLayer } from "../../layers/channel-layer.ts";
import { MemoryLayer } from "../../layers/index.ts";
import { NoControlLayerError, UnknownLayerError } from "../errors.ts";
import { findLayer } from "./argument-checks.ts";

/** The layer for the messages between nodes. */
export interface ControlLayer {
  readonly layer: ChannelLayer;
  /** Undefined if the runtime created the layer itself. No other node can reach such a layer. */
  readonly alias: string | undefined;
  /** The aliases of the layers, if there are several and the option `control` selects none of them. */
  readonly choices: readonly string[];
}

/**
 * Returns the layer with the alias `given`. If `given` is undefined, returns the only layer. If there is no
 * layer, or more than one, creates a layer for this node alone. @throws {UnknownLayerError}
 */
export function chooseControlLayer(
  layers: Readonly<Record<string, ChannelLayer>>,
  given: string | undefined,
): ControlLayer {
  const aliases = Object.keys(layers);
  const alias = given ?? (aliases.length === 1 ? aliases[0] : undefined);
  const layer = findLayer(layers, alias);
  if (layer !== undefined) return { layer, alias, choices: [] };
  if (given === undefined)
    return { layer: new MemoryLayer({ prefix: "greenroom.local" }), alias: undefined, choices: aliases };
  throw new UnknownLayerError(
    `\`control\` names the layer "${given}", which this runtime does not have. ` +
      (aliases.length > 0
        ? `It has: ${aliases.join(", ")}.`
        : "It has none: pass `layers` to createRuntime."),
  );
}

/**
 * Refuses a call that concerns all nodes if it is not known which layer connects them: the result would look
 * complete, but would lack the other nodes.
 *
 * @throws {NoControlLayerError} that names the method `call` and the layers to choose from.
 */
export function requireControl({ choices }: ControlLayer, call: string): void {
  if (choices.length === 0) return;
  throw new NoControlLayerError(
    `${call}() concerns all nodes, and needs to know which layer connects them. This runtime has several ` +
      `layers: ${choices.join(", ")}. Choose one of them: createRuntime({ control: "${choices[0]}" }).`,
  );
}
