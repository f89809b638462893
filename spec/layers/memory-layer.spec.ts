import { MemoryBackend } from "../../layers/memory-backend.ts";
import { MemoryBus } from "../../layers/memory-bus.ts";
import { MemoryLayer } from "../../layers/memory-layer.ts";
import { describeChannelLayer } from "../../layers/testing/index.ts";

const bus = new MemoryBus();

describeChannelLayer("MemoryLayer", {
  startNode: (world) => new MemoryLayer({ bus, prefix: world }),
  publish: (topic, payload) => new MemoryBackend(bus, worldOf(topic)).publish(topic, payload),
  lacks: {
    gap: "nothing lies between the nodes of one process that could break",
    recovery: "nothing lies between the nodes of one process that could break",
  },
});

function worldOf(topic: string): string {
  return topic.slice(0, topic.indexOf("__"));
}
