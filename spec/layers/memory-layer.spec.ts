import { MemoryBackend } from "../../layers/memory-backend.ts";
import { MemoryBus } from "../../layers/memory-bus.ts";
import { MemoryLayer } from "../../layers/memory-layer.ts";
import { describeChannelLayer } from "../../layers/testing/index.ts";

const bus = new MemoryBus();
const raw = new MemoryBackend(bus);

describeChannelLayer("MemoryLayer", {
  startNode: (world, options) => new MemoryLayer({ ...options, bus, prefix: world }),
  publish: (topic, payload) => raw.publish(topic, payload),
  enqueue: (queue, payload) => bus.queues.enqueue(queue, payload, 10_000),
  lacks: { gap: "nothing lies between the nodes of one process that could break" },
});
