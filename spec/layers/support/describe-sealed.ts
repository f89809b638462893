import type { ChannelLayer } from "../../../layers/channel-layer.ts";
import type { ChannelLayerOptions } from "../../../layers/options.ts";
import { describeChannelLayer, type LayerImplementation } from "../../../layers/testing/index.ts";
import { createEncryption } from "../../../layers/wire/encryption.ts";

type StartNode = LayerImplementation["startNode"];

/** A layer as the suite needs it, with or without keys. */
export interface SealableImplementation extends LayerImplementation {
  startNode(
    world: string,
    options: Parameters<StartNode>[1] & Pick<ChannelLayerOptions, "encryption">,
  ): ChannelLayer;
}

const encryption = { keys: ["the first key", "another"] };
const { encrypt } = createEncryption(encryption);

/** Runs the suite twice: with messages as they are, and encrypted. */
export function describeSealed(name: string, implementation: SealableImplementation): void {
  const { startNode, publish, enqueue } = implementation;
  describeChannelLayer(name, implementation);
  describeChannelLayer(`${name}, encrypted`, {
    ...implementation,
    startNode: (world, options) => startNode(world, { ...options, encryption }),
    publish: (topic, payload) => publish(topic, encrypt(payload)),
    ...(enqueue && { enqueue: (queue: string, payload: Uint8Array) => enqueue(queue, encrypt(payload)) }),
  });
}
