import { MemoryBackend } from "../../../layers/memory/memory-backend.ts";
import { MemoryBus } from "../../../layers/memory/memory-bus.ts";
import { MemoryLayer } from "../../../layers/memory/memory-layer.ts";
import { describeChannelLayer, type NodeOptions } from "../../../layers/testing/index.ts";
import { type EncryptableImplementation, encrypted } from "../support/encrypted.ts";

const runner = { describe, it, beforeEach, afterEach };
const bus = new MemoryBus();
const unbreakable = "nothing lies between the nodes of one process that could break";

const implementation: EncryptableImplementation = {
  startNode: (prefix, options) => new MemoryLayer({ ...options, bus: busFor(options), prefix }),
  publish: (topic, payload) => new MemoryBackend(bus, prefixOf(topic)).publish(topic, payload),
  enqueue: (queue, payload) => bus.queues.enqueue(queue, payload, 10_000),
  lacks: { gap: unbreakable, recovery: unbreakable },
};

describeChannelLayer("MemoryLayer", { ...runner, ...implementation });
describeChannelLayer("MemoryLayer, encrypted", { ...runner, ...encrypted(implementation) });

/** A bus has limits of histories: a node that is given some gets a bus of its own, the others' has the defaults. */
function busFor(options: NodeOptions): MemoryBus {
  return "capacity" in options || "expiryMs" in options ? new MemoryBus(options) : bus;
}

function prefixOf(topic: string): string {
  return topic.slice(0, topic.indexOf("__"));
}
