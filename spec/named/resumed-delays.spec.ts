import { createRuntime, MemoryBus, MemoryLayer } from "greenroom";
import { fromCallback, SimulatedClock, setup } from "xstate";
import { until } from "../layers/support/until.ts";

describe("a resumed named actor", () => {
  it("keeps its delays, even if it has nothing else to do", async () => {
    let isBroken = true;
    let isRunning = false;
    const connected = fromCallback(() => {
      if (isBroken) throw new Error("broken");
      isRunning = true;
    });
    const machine = setup({ actors: { connected } }).createMachine({
      initial: "idle",
      states: {
        idle: { on: { "message.begin": "running" } },
        running: { invoke: { id: "connection", src: "connected" }, after: { 1000: "over" } },
        over: {},
      },
    });
    const clock = new SimulatedClock();
    const runtime = createRuntime({
      clock,
      layers: { state: new MemoryLayer({ bus: new MemoryBus({ clock }) }) },
      onError: () => {
        isBroken = false;
      },
    });
    const kind = runtime.named("task", machine);
    await kind.get("1").send({ type: "begin" } as never);
    await until(() => !isBroken);
    await until(() => kind.resume("1"));
    await until(() => isRunning);
    await until(async () => {
      clock.increment(1_000);
      return (await kind.get("1").view()) === "over";
    });
    await runtime.close();
  });
});
