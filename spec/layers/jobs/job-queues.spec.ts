import type { AsyncLocalStorage } from "node:async_hooks";
import { expect } from "chai";
import type { QueueReceiver } from "../../../layers/backend.ts";
import { ChannelLayer } from "../../../layers/channel-layer.ts";
import { CallbackOwner } from "../../../layers/error-reporter.ts";
import { MemoryBackend } from "../../../layers/memory/memory-backend.ts";
import { MemoryBus } from "../../../layers/memory/memory-bus.ts";
import { MemoryLayer } from "../../../layers/memory/memory-layer.ts";
import { Worker } from "../../../layers/testing/index.ts";
import { encode } from "../../../layers/wire/codec.ts";

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

describe("A listener of a job's signal", () => {
  it("belongs to the consumption, also if the backend aborts the signal in a timer", async () => {
    const shared = (globalThis as Record<symbol, unknown>)[Symbol.for("greenroom.async-errors.1")];
    const { owners } = shared as { readonly owners: AsyncLocalStorage<unknown> };
    const backend = new MemoryBackend(new MemoryBus(), "jobs");
    const consume = async (_: string, receiver: QueueReceiver) => {
      const aborted = new AbortController();
      setImmediate(() => aborted.abort());
      const outcome = receiver.job(encode({ type: "job" }, undefined), 1, aborted.signal, 0);
      return { close: async () => void (await outcome) };
    };
    const layer = new ChannelLayer(Object.assign(backend, { queues: { ...backend.queues, consume } }), {
      prefix: "jobs",
    });
    const owner = await new Promise((resolve) => {
      void layer.consume("jobs", (_, { signal }) => {
        signal.addEventListener("abort", () => resolve(owners.getStore()));
      });
    });
    expect(owner).to.be.instanceOf(CallbackOwner);
    await layer.close();
  });
});
