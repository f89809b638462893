import type { Capabilities } from "../layers/backend.ts";
import type { ChannelLayer } from "../layers/channel-layer.ts";
import type { ConsumerClass } from "./consumer-class.ts";
import { MissingCapabilityError, UnknownLayerError } from "./errors.ts";

/**
 * Checks that a consumer's layer is there and can do what the consumer needs.
 *
 * @throws {UnknownLayerError} listing the layers there are.
 * @throws {MissingCapabilityError} saying what is missing, and what the layer can do.
 */
export function checkLayer(
  { name, layer: alias, needs }: ConsumerClass,
  layers: Readonly<Record<string, ChannelLayer>>,
): void {
  if (alias === undefined) {
    if (needs.length === 0) return;
    throw new MissingCapabilityError(
      `${name} needs ${list(needs)}, but names no layer: give it a \`layer\`.`,
    );
  }
  const layer = Object.hasOwn(layers, alias) ? layers[alias] : undefined;
  if (layer === undefined) {
    throw new UnknownLayerError(
      `${name} names the layer "${alias}", which this runtime does not have. ` +
        (Object.keys(layers).length > 0
          ? `It has: ${list(Object.keys(layers))}.`
          : "It has none: give createRuntime some `layers`."),
    );
  }
  const { capabilities } = layer;
  const lacking = needs.filter((need) => !capabilities[need]);
  if (lacking.length === 0) return;
  throw new MissingCapabilityError(
    `${name} needs ${list(lacking)}, which the layer "${alias}" lacks: put another one behind that alias. ` +
      `This one has: ${list([`${capabilities.delivery} delivery`, ...abilities(capabilities)])}.`,
  );
}

function abilities({ delivery, ...others }: Capabilities): readonly string[] {
  return Object.entries(others).flatMap(([name, isThere]) => (isThere ? [name] : []));
}

function list(names: readonly string[]): string {
  return names.join(", ");
}
