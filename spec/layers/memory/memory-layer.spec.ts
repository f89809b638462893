import { MemoryBackend } from "../../../layers/memory/memory-backend.ts";
import { MemoryBus } from "../../../layers/memory/memory-bus.ts";
import { MemoryLayer } from "../../../layers/memory/memory-layer.ts";
import type { NodeOptions } from "../../../layers/testing/index.ts";
import { describeSealed } from "../support/describe-sealed.ts";

const bus = new MemoryBus();
const unbreakable = "nothing lies between the nodes of one process that could break";

describeSealed("MemoryLayer", {
  startNode: (world, options) => new MemoryLayer({ ...options, bus: busFor(options), prefix: world }),
  publish: (topic, payload) => new MemoryBackend(bus, worldOf(topic)).publish(topic, payload),
  enqueue: (queue, payload) => bus.queues.enqueue(queue, payload, 10_000),
  lacks: { gap: unbreakable, recovery: unbreakable },
});

/** What is told of histories, it is told to a bus: one of its own, since the others' have the defaults. */
function busFor(options: NodeOptions): MemoryBus {
  return "capacity" in options || "expiryMs" in options ? new MemoryBus(options) : bus;
}

function worldOf(topic: string): string {
  return topic.slice(0, topic.indexOf("__"));
}
