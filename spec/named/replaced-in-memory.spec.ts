import { expect } from "chai";
import { createRuntime, MemoryLayer, type NamedEffect, type NamedMessageEvents } from "greenroom";
import { assign, emit, setup } from "xstate";

const machine = setup({
  types: {
    context: {} as { sum: number },
    events: {} as NamedMessageEvents<{ add: { amount: number } }>,
    emitted: {} as NamedEffect,
  },
}).createMachine({
  context: { sum: 0 },
  on: {
    "message.add": {
      actions: [
        assign({ sum: ({ context, event }) => context.sum + event.message.amount }),
        emit(({ context }) => ({ type: "reply", value: context.sum })),
      ],
    },
  },
});

describe("a named actor that is replaced while it is in memory", () => {
  it("continues from the state in the store", async () => {
    const runtime = createRuntime({ layers: { state: new MemoryLayer() } });
    const sums = runtime.named("sum", machine);
    const sum = sums.get("1");
    const add = (amount: number) => sum.ask<number>({ type: "add", amount }, { timeoutMs: 30_000 });
    await runtime.ready();
    expect(await add(1)).to.equal(1);
    const exported = await sums.export("1");
    expect(await add(10)).to.equal(11);
    if (exported !== undefined) await sums.import("1", exported);
    expect(await add(100)).to.equal(101);
    expect(await sums.delete("1")).to.equal(true);
    expect(await add(1_000)).to.equal(1_000);
    await runtime.close();
  });
});
