import { expect } from "chai";
import { InvalidOptionError, QueueFullError } from "../../../layers/errors.ts";
import { MemoryBus } from "../../../layers/memory/memory-bus.ts";
import { MemoryLayer } from "../../../layers/memory/memory-layer.ts";
import { until } from "../support/until.ts";

const mebibyte = 1024 * 1024;
/** A message of almost half a mebibyte. Four of them fit into 2 MiB, with their overhead. */
const large = { type: "job", text: "x".repeat(mebibyte / 2 - 1_000) };

describe("The queues of a memory layer", () => {
  const layers: MemoryLayer[] = [];
  const open = (bus = new MemoryBus({ maxQueueBytes: 2 * mebibyte })) => {
    const layer = new MemoryLayer({ bus, onError() {} });
    layers.push(layer);
    return layer;
  };
  const fill = async (layer: MemoryLayer, channels: readonly string[]) => {
    for (const channel of channels) await layer.send(channel, large);
  };
  const refused = async (layer: MemoryLayer) => {
    const error = await layer.send("last", large).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).to.be.instanceOf(QueueFullError);
    expect(String(error)).to.match(/hold 2\d{6} bytes, and maxQueueBytes is 2097152/);
  };
  afterEach(async () => {
    await Promise.all(layers.splice(0).map((layer) => layer.close()));
  });

  it("hold at most maxQueueBytes, all layers and channels of a bus together", async () => {
    const bus = new MemoryBus({ maxQueueBytes: 2 * mebibyte });
    const [one, other] = [open(bus), open(bus)];
    await fill(one, ["a", "b"]);
    await fill(other, ["a", "c"]);
    await refused(one);
    await refused(other);
    expect(one.counters().dropped).to.deep.equal({ "queue-full": 1 });
    await fill(open(), ["a"]); // on a bus of its own
  });

  it("remember the numbers of the 1,000 senders that sent last", async () => {
    const layer = open();
    const send = (sender: string) => layer.send("a", { type: "job" }, { once: { sender, number: 1 } });
    for (const sender of ["first", "second"]) await send(sender);
    await layer.send("a", { type: "job" }, { once: { sender: "first", number: 2 } });
    for (let index = 0; index < 999; index += 1) await send(`sender ${index}`);
    expect(await layer.queueSize("a")).to.equal(1_002);
    await send("first");
    expect(await layer.queueSize("a")).to.equal(1_002);
    await send("second");
    expect(await layer.queueSize("a")).to.equal(1_003);
  });

  it("have room again for the jobs that are done", async () => {
    const layer = open();
    await fill(layer, ["a", "a", "a", "a"]);
    let done = 0;
    const consumption = await layer.consume("a", () => {}, { onDone: () => done++ });
    await until(() => done === 4);
    await consumption.close();
    await fill(layer, ["b", "b", "b", "b"]);
    await refused(layer);
  });

  it("have room again for the jobs of a deleted queue, also for one that runs", async () => {
    const layer = open();
    await fill(layer, ["a", "a", "a", "a"]);
    let began = 0;
    const consumption = await layer.consume("a", (_, { signal }) => {
      began += 1;
      return new Promise((resolve) => signal.addEventListener("abort", resolve));
    });
    await until(() => began === 1);
    expect(await layer.deleteQueue("a")).to.equal(4);
    await consumption.close();
    await fill(layer, ["b", "b", "b", "b"]);
    await refused(layer);
  });

  it("count dead letters, and never refuse them", async () => {
    const layer = open();
    await fill(layer, ["a", "a", "a", "a"]);
    let dead = 0;
    const fail = () => Promise.reject(new Error("no"));
    await layer.consume("a", fail, { maxDeliveries: 1, onDead: () => dead++ });
    await until(() => dead === 4);
    await refused(layer);
    expect(await layer.deleteQueue("a.dead")).to.equal(4);
    await fill(layer, ["b", "b", "b", "b"]);
  });

  it("count a job once that a worker retries", async () => {
    const layer = open();
    await fill(layer, ["a", "a", "a", "a"]);
    let done = 0;
    const onDone = () => done++;
    const failFirst = (_: unknown, { attempt }: { readonly attempt: number }) =>
      attempt === 1 ? Promise.reject(new Error("again")) : undefined;
    await layer.consume("a", failFirst, { retryAfterMs: 0, onDone });
    await until(() => done === 4);
    await fill(layer, ["b", "b", "b", "b"]);
    await refused(layer);
  });

  it("need at least 2 MiB", () => {
    expect(() => new MemoryBus({ maxQueueBytes: 2 * mebibyte - 1 })).to.throw(InvalidOptionError);
  });
});
