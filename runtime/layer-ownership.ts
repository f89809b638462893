import type { ChannelLayer } from "../layers/channel-layer.ts";
import { InvalidOptionError } from "../layers/errors.ts";

const owned = new WeakSet<ChannelLayer>();

/**
 * Makes the layers those of a new runtime. A layer may have several aliases in one runtime, but cannot belong to
 * two runtimes: the first that closes would close it, and each would take its errors and deliveries for its own.
 *
 * @throws {InvalidOptionError} that names the alias of a layer that belongs to a runtime already.
 */
export function takeLayers(layers: Readonly<Record<string, ChannelLayer>>): void {
  for (const [alias, layer] of Object.entries(layers)) {
    if (!owned.has(layer)) continue;
    throw new InvalidOptionError(
      `\`layers.${alias}\` belongs to another runtime, which closes it: create a layer for each runtime. ` +
        "Layers with the same server and prefix, or memory layers with the same `bus`, reach each other.",
    );
  }
  for (const layer of Object.values(layers)) owned.add(layer);
}
