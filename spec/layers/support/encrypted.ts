import type { ChannelLayer } from "../../../layers/channel-layer.ts";
import type { ChannelLayerOptions } from "../../../layers/options.ts";
import type { LayerImplementation, NodeOptions } from "../../../layers/testing/index.ts";
import { createEncryption } from "../../../layers/wire/encryption.ts";

/** A layer implementation for the suite, with or without keys. */
export interface EncryptableImplementation extends LayerImplementation {
  startNode(prefix: string, options: NodeOptions & Pick<ChannelLayerOptions, "encryption">): ChannelLayer;
}

const encryption = { keys: ["the first key", "another"] };
const { encrypt } = createEncryption(encryption);

/** Adds encryption to a layer; `publish` and `enqueue` encrypt with its key. */
export function encrypted(implementation: EncryptableImplementation): LayerImplementation {
  const { publish, enqueue } = implementation;
  return {
    ...withKeys(implementation),
    publish: (topic, payload) => publish(topic, encrypt(payload)),
    ...(enqueue && { enqueue: (queue: string, payload: Uint8Array) => enqueue(queue, encrypt(payload)) }),
  };
}

/** Adds encryption to a layer, but not to `publish` and `enqueue`. */
export function withKeys(implementation: EncryptableImplementation): LayerImplementation {
  const { startNode } = implementation;
  return { ...implementation, startNode: (prefix, options) => startNode(prefix, { ...options, encryption }) };
}
