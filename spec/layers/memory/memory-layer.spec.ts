import { MemoryBackend } from "../../../layers/memory/memory-backend.ts";
import { MemoryBus } from "../../../layers/memory/memory-bus.ts";
import { MemoryLayer } from "../../../layers/memory/memory-layer.ts";
import { describeChannelLayer, type NodeOptions } from "../../../layers/testing/index.ts";
import { type EncryptableImplementation, encrypted } from "../support/encrypted.ts";

const runner = { describe, it, beforeEach, afterEach };
const bus = new MemoryBus();
const unbreakable = "nodes of one process have no connection that could break";

const implementation: EncryptableImplementation = {
  startNode: (prefix, options) =>
    new MemoryLayer({ ...options, bus: busFor(options), history: true, prefix }),
  publish: (topic, payload) => new MemoryBackend(bus, prefixOf(topic)).publish(topic, payload),
  enqueue: (queue, payload) => bus.queues.enqueue(queue, payload, 10_000),
  lacks: { gap: unbreakable, recovery: unbreakable },
};

describeChannelLayer("MemoryLayer", { ...runner, ...implementation });
describeChannelLayer("MemoryLayer, encrypted", { ...runner, ...encrypted(implementation) });

/** History limits belong to a bus, so a node with its own limits needs its own bus. */
function busFor(options: NodeOptions): MemoryBus {
  return "capacity" in options || "expiryMs" in options ? new MemoryBus(options) : bus;
}

function prefixOf(topic: string): string {
  return topic.slice(0, topic.indexOf("__"));
}
