import { expect } from "chai";
import { createRuntime, InvalidOptionError, MemoryLayer } from "greenroom";
import { Clerk, opened, query, stopCluster } from "./support/cluster.ts";

describe("A layer of a runtime", () => {
  afterEach(stopCluster);

  it("is refused by another runtime, which names its alias", () => {
    const chat = new MemoryLayer();
    const first: unknown[] = [];
    opened(createRuntime({ layers: { chat }, onError: (error) => first.push(error) }));
    const { onError, lane } = chat;
    const layers = { jobs: new MemoryLayer(), rooms: chat };
    expect(() => createRuntime({ layers, control: "jobs" })).to.throw(
      InvalidOptionError,
      "`layers.rooms` belongs to another runtime, which closes it: create a layer for each runtime.",
    );
    expect(chat).to.include({ onError, lane });
    // The runtime that was refused owns none of its layers.
    opened(createRuntime({ layers: { jobs: layers.jobs } }));
  });

  it("is refused also after its runtime has closed, and the layer with it", async () => {
    const chat = new MemoryLayer();
    await createRuntime({ layers: { chat } }).close();
    expect(() => createRuntime({ layers: { chat } })).to.throw(InvalidOptionError, "`layers.chat`");
  });

  it("may have two aliases in one runtime", async () => {
    const chat = new MemoryLayer();
    const runtime = opened(createRuntime({ layers: { chat, rooms: chat }, control: "chat" }));
    await runtime.spawn(Clerk, query("group=clerks"));
    for (const layer of ["chat", "rooms"]) {
      const { replies } = await runtime.askGroup("clerks", { type: "add", numbers: [1, 2] }, { layer });
      expect(replies.map(({ value }) => value)).to.deep.equal([3]);
    }
  });
});
