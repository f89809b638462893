import { SimulatedClock } from "xstate";
import { MemoryBackend } from "../../../layers/memory/memory-backend.ts";
import { MemoryBus } from "../../../layers/memory/memory-bus.ts";
import { describeState } from "../support/describe-state.ts";

describeState("MemoryBus", async () => {
  const bus = new MemoryBus();
  return { one: new MemoryBackend(bus, "p").state, two: new MemoryBackend(bus, "p").state };
});

describeState("MemoryBus with a simulated clock", async () => {
  const clock = new SimulatedClock();
  const bus = new MemoryBus({ clock });
  return {
    one: new MemoryBackend(bus, "p").state,
    two: new MemoryBackend(bus, "p").state,
    advance: (ms) => clock.increment(ms),
  };
});
