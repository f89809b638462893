import { MemoryBackend } from "../../../../layers/memory/memory-backend.ts";
import { MemoryBus } from "../../../../layers/memory/memory-bus.ts";
import { MemoryLayer } from "../../../../layers/memory/memory-layer.ts";
import type { LayerImplementation } from "../../../../layers/testing/index.ts";

const bus = new MemoryBus();

/** Names capabilities as lacking that need no test with each runner. */
export const memory: LayerImplementation = {
  startNode: (prefix, options) => new MemoryLayer({ ...options, bus, history: true, prefix }),
  publish: (topic, payload) =>
    new MemoryBackend(bus, topic.slice(0, topic.indexOf("__"))).publish(topic, payload),
  enqueue: (queue, payload) => bus.queues.enqueue(queue, payload, 10_000),
  lacks: { gap: "nothing can break", recovery: "nothing can break", history: "its limits are the bus's" },
};
