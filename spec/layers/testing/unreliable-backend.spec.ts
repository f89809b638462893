import { expect } from "chai";
import {
  ChannelLayer,
  handlers,
  InvalidOptionError,
  JsonWebSocketConsumer,
  MemoryBus,
  MemoryLayer,
} from "greenroom";
import {
  communicate,
  describeChannelLayer,
  type Faults,
  Recorder,
  unreliable,
  unreliableLayer,
} from "greenroom/testing";
import { createRuntime } from "../../../index.ts";
import { MemoryBackend } from "../../../layers/memory/memory-backend.ts";

const count = 500;
const seed = 7;

describe("unreliable", () => {
  /** The numbers received of `count` messages, in order. */
  async function run(faults: Faults): Promise<number[]> {
    const bus = new MemoryBus();
    const layer = unreliableLayer(faults, { bus });
    const inbox = new Recorder();
    await layer.groupAdd("numbers", await layer.newChannel(inbox));
    for (let number = 0; number < count; number += 1) {
      await layer.groupSend("numbers", { type: "number", number });
      // Some are sent in later turns, so that they can overtake delayed ones.
      if (number % 5 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    while (layer.inFlight !== 0) await new Promise((resolve) => setImmediate(resolve));
    await layer.close();
    return inbox.messages.map(({ number }) => number as number);
  }

  const all = [...Array(count).keys()];
  const sorted = (numbers: number[]) => [...numbers].sort((a, b) => a - b);

  it("delivers all in order without faults", async () => {
    expect(await run({ seed })).to.deep.equal(all);
  });

  it("drops messages", async () => {
    const arrived = await run({ seed, drop: 0.1 });
    expect(arrived.length).to.be.within(count * 0.85, count * 0.95);
    expect(arrived).to.deep.equal([...new Set(sorted(arrived))]);
    expect(await run({ seed, drop: 1 })).to.deep.equal([]);
  });

  it("duplicates messages", async () => {
    const arrived = await run({ seed, duplicate: 0.1 });
    expect(arrived.length).to.be.within(count * 1.05, count * 1.15);
    expect([...new Set(arrived)]).to.deep.equal(all);
    expect(await run({ seed, duplicate: 1 })).to.deep.equal(all.flatMap((number) => [number, number]));
  });

  it("reorders messages and loses none", async () => {
    const arrived = await run({ seed, reorder: 0.1 });
    expect(arrived).not.to.deep.equal(all);
    expect(sorted(arrived)).to.deep.equal(all);
    expect(sorted(await run({ seed, reorder: 1 }))).to.deep.equal(all);
  });

  it("delays messages and keeps their order", async () => {
    expect(await run({ seed, delay: 0.5 })).to.deep.equal(all);
  });

  it("repeats its faults for the same seed, and has others for another seed", async () => {
    const faults = { drop: 0.1, delay: 0.2, duplicate: 0.1, reorder: 0.2 };
    const first = await run({ seed, ...faults });
    expect(await run({ seed, ...faults })).to.deep.equal(first);
    expect(await run({ seed: seed + 1, ...faults })).not.to.deep.equal(first);
  });

  it("affects one node and no other on the same bus", async () => {
    const bus = new MemoryBus();
    const nodes = [unreliableLayer({ seed, drop: 1 }, { bus }), unreliableLayer({ seed }, { bus })];
    const inboxes = [new Recorder(), new Recorder()];
    for (const [index, node] of nodes.entries()) {
      await node.groupAdd("all", await node.newChannel(inboxes[index] as Recorder));
    }
    await nodes[0]?.groupSend("all", { type: "hello" });
    await inboxes[1]?.next("hello");
    expect(inboxes[0]?.messages).to.deep.equal([]);
    await Promise.all(nodes.map((node) => node.close()));
  });

  it("delivers nothing after close, and leaves no timer", async () => {
    const layer = unreliableLayer({ seed, delay: 1 });
    const inbox = new Recorder();
    const channel = await layer.newChannel(inbox);
    await layer.send(channel, { type: "late" });
    while (layer.inFlight !== 1) await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    await layer.close();
    expect(layer.inFlight).to.equal(0);
    for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(inbox.messages).to.deep.equal([]);
  });

  it("discards held payloads when a group is left: a new member receives only later messages", async () => {
    const layer = unreliableLayer({ seed, delay: 1 });
    const inbox = new Recorder();
    const channel = await layer.newChannel(inbox);
    await layer.groupAdd("room", channel);
    // Each waits behind the one before, so the last one is held for long enough.
    for (let number = 0; number < 100; number += 1) await layer.groupSend("room", { type: "old" });
    await new Promise((resolve) => setImmediate(resolve));
    await layer.groupDiscard("room", channel);
    const { length } = inbox.messages;
    expect(length).to.be.below(100);
    await layer.groupAdd("room", channel);
    await layer.groupSend("room", { type: "new" });
    await inbox.next("new");
    expect(inbox.types.slice(length)).to.deep.equal(["new"]);
    await layer.close();
  });

  it("refuses a share outside 0 to 1, and a seed that is not an integer", () => {
    for (const faults of [
      { seed: 0.5 },
      { seed, drop: 1.1 },
      { seed, delay: -1 },
      { seed, reorder: Number.NaN },
    ])
      expect(() => unreliableLayer(faults)).to.throw(InvalidOptionError);
  });

  it("reveals a consumer that relies on the order, reproducibly", async () => {
    /** Assumes that the last number received is the last one sent. */
    class Counter extends JsonWebSocketConsumer<{ messages: { set: { value: number } } }> {
      static override readonly layer = "numbers";
      static override readonly on = handlers<Counter>({
        set({ value }) {
          this.#value = value;
        },
      });
      #value = -1;
      override async connect() {
        await this.groupAdd("counters");
      }
      override receive() {
        this.sendJson(this.#value);
      }
    }
    const lastOf = async (faults: Faults) => {
      const numbers = unreliableLayer(faults);
      // Two layers and no `control`: neither carries messages between runtimes.
      await using runtime = createRuntime({ layers: { numbers, spare: new MemoryLayer() } });
      const client = communicate(Counter, { runtime });
      await client.connect();
      for (let value = 0; value < 20; value += 1) await numbers.groupSend("counters", { type: "set", value });
      await client.settle();
      client.sendJson("?");
      return client.receiveJson();
    };
    expect(await lastOf({ seed })).to.equal(19);
    expect(await lastOf({ seed, delay: 1 })).to.equal(19);
    const wrong: Faults = { seed: 5, reorder: 0.5 };
    expect(await lastOf(wrong)).to.equal(18);
    expect(await lastOf(wrong)).to.equal(18);
  });
});

// A delay breaks no guarantee.
const bus = new MemoryBus();
const late: Faults = { seed, delay: 0.5 };
describeChannelLayer("MemoryLayer, its messages late", {
  ...{ describe, it, beforeEach, afterEach },
  startNode: (prefix, options) => {
    const isOwn = "capacity" in options || "expiryMs" in options;
    const backend = unreliable(new MemoryBackend(isOwn ? new MemoryBus(options) : bus, prefix), late);
    backend.history?.keep?.();
    return new ChannelLayer(backend, { ...options, prefix });
  },
  publish: (topic, payload) =>
    new MemoryBackend(bus, topic.slice(0, topic.indexOf("__"))).publish(topic, payload),
  enqueue: (queue, payload) => bus.queues.enqueue(queue, payload, 10_000),
  lacks: {
    gap: "nothing lies between the nodes of one process that could break",
    recovery: "nothing lies between the nodes of one process that could break",
  },
});
