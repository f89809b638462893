import { expect } from "chai";
import { MemoryBus } from "../../../layers/memory/memory-bus.ts";
import { MemoryLayer } from "../../../layers/memory/memory-layer.ts";
import { Worker } from "../../../layers/testing/index.ts";

describe("JobQueues with encryption", () => {
  it("counts a message of another key and moves it to the dead letters, readable with that key", async () => {
    const bus = new MemoryBus();
    const onError = () => {};
    const [one, other] = ["one", "other"].map(
      (key) => new MemoryLayer({ bus, onError, encryption: { keys: [key] } }),
    ) as [MemoryLayer, MemoryLayer];
    const [worker, dead] = [new Worker(), new Worker()];
    await other.send("jobs", { type: "job", number: 1 });
    await one.send("jobs", { type: "job", number: 2 });
    await one.consume("jobs", worker.handle);
    await worker.hasBegun(1);
    await other.consume("jobs.dead", dead.handle);
    await dead.hasBegun(1);
    expect(worker.numbers).to.deep.equal([2]);
    expect(dead.numbers).to.deep.equal([1]);
    expect(one.counters().dropped).to.deep.equal({ undecryptable: 1 });
    await Promise.all([one.close(), other.close()]);
  });
});

describe("options of a consumption", () => {
  it("that are undefined have their defaults", async () => {
    const layer = new MemoryLayer();
    const worker = new Worker();
    const options = { concurrency: undefined, maxDeliveries: undefined, claimAfterMs: undefined };
    await layer.consume("jobs", worker.handle, { ...options, retryAfterMs: undefined } as object);
    await layer.send("jobs", { type: "job", number: 1 });
    await worker.hasBegun(1);
    await layer.close();
  });
});
