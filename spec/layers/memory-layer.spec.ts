import { MemoryBackend } from "../../layers/memory-backend.ts";
import { MemoryBus } from "../../layers/memory-bus.ts";
import { MemoryLayer } from "../../layers/memory-layer.ts";
import { createSealing } from "../../layers/sealing.ts";
import { describeChannelLayer } from "../../layers/testing/index.ts";

const bus = new MemoryBus();
const raw = new MemoryBackend(bus);

describeChannelLayer("MemoryLayer", {
  startNode: (world) => new MemoryLayer({ bus, prefix: world }),
  publish: (topic, payload) => raw.publish(topic, payload),
  lacks: { gap: "nothing lies between the nodes of one process that could break" },
});

const encryption = { keys: ["the first key", "another"] };
const { seal } = createSealing(encryption);

describeChannelLayer("MemoryLayer, encrypted", {
  startNode: (world) => new MemoryLayer({ bus, prefix: world, encryption }),
  publish: (topic, payload) => raw.publish(topic, seal(payload)),
  lacks: { gap: "nothing lies between the nodes of one process that could break" },
});
