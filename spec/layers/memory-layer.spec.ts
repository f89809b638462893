import { MemoryBackend } from "../../layers/memory-backend.ts";
import { MemoryBus } from "../../layers/memory-bus.ts";
import { MemoryLayer } from "../../layers/memory-layer.ts";
import { createSealing } from "../../layers/sealing.ts";
import { describeChannelLayer, type NodeOptions } from "../../layers/testing/index.ts";

const bus = new MemoryBus();

describeChannelLayer("MemoryLayer", {
  startNode: (world, options) => new MemoryLayer({ ...options, bus: busFor(options), prefix: world }),
  publish: (topic, payload) => new MemoryBackend(bus, worldOf(topic)).publish(topic, payload),
  enqueue: (queue, payload) => bus.queues.enqueue(queue, payload, 10_000),
  lacks: {
    gap: "nothing lies between the nodes of one process that could break",
    recovery: "nothing lies between the nodes of one process that could break",
  },
});

const encryption = { keys: ["the first key", "another"] };
const { seal } = createSealing(encryption);

describeChannelLayer("MemoryLayer, encrypted", {
  startNode: (world, options) =>
    new MemoryLayer({ ...options, bus: busFor(options), prefix: world, encryption }),
  publish: (topic, payload) => new MemoryBackend(bus, worldOf(topic)).publish(topic, seal(payload)),
  enqueue: (queue, payload) => bus.queues.enqueue(queue, seal(payload), 10_000),
  lacks: {
    gap: "nothing lies between the nodes of one process that could break",
    recovery: "nothing lies between the nodes of one process that could break",
  },
});

/** What is told of histories, it is told to a bus: one of its own, since the others' have the defaults. */
function busFor(options: NodeOptions): MemoryBus {
  return "capacity" in options || "expiryMs" in options ? new MemoryBus(options) : bus;
}

function worldOf(topic: string): string {
  return topic.slice(0, topic.indexOf("__"));
}
