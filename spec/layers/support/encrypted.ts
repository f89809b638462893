import type { ChannelLayer } from "../../../layers/channel-layer.ts";
import type { ChannelLayerOptions } from "../../../layers/options.ts";
import type { LayerImplementation, NodeOptions } from "../../../layers/testing/index.ts";
import { createEncryption } from "../../../layers/wire/encryption.ts";

/** A layer as the suite needs it, with or without keys. */
export interface EncryptableImplementation extends LayerImplementation {
  startNode(prefix: string, options: NodeOptions & Pick<ChannelLayerOptions, "encryption">): ChannelLayer;
}

const encryption = { keys: ["the first key", "another"] };
const { encrypt } = createEncryption(encryption);

/** The same layer with encryption; others, who publish and enqueue, know the key, too. */
export function encrypted(implementation: EncryptableImplementation): LayerImplementation {
  const { publish, enqueue } = implementation;
  return {
    ...withKeys(implementation),
    publish: (topic, payload) => publish(topic, encrypt(payload)),
    ...(enqueue && { enqueue: (queue: string, payload: Uint8Array) => enqueue(queue, encrypt(payload)) }),
  };
}

/** The same layer with encryption; others, who publish and enqueue, do not know the key. */
export function withKeys(implementation: EncryptableImplementation): LayerImplementation {
  const { startNode } = implementation;
  return { ...implementation, startNode: (prefix, options) => startNode(prefix, { ...options, encryption }) };
}
