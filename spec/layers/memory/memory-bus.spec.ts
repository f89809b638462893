import { expect } from "chai";
import { MemoryBackend } from "../../../layers/memory/memory-backend.ts";
import { MemoryBus } from "../../../layers/memory/memory-bus.ts";
import { MemoryLayer } from "../../../layers/memory/memory-layer.ts";
import { Recorder } from "../../../layers/testing/index.ts";
import { nextTurn } from "../../support/next-turn.ts";

describe("MemoryBus", () => {
  it("passes each payload to the subscribers of its topic, in order", async () => {
    const bus = new MemoryBus();
    const received: string[] = [];
    for (const topic of ["a", "b"]) {
      bus.subscribe(topic, (_, payload) => received.push(`${topic}${payload[0]}`));
    }
    bus.publish("a", Uint8Array.of(1));
    bus.publish("b", Uint8Array.of(2));
    bus.publish("a", Uint8Array.of(3));
    expect(received).to.deep.equal(["a1", "b2", "a3"]);
  });

  it("delivers no payload published before the subscribe or after the unsubscribe", async () => {
    const bus = new MemoryBus();
    const received: (number | undefined)[] = [];
    const subscriber = (_: string, payload: Uint8Array) => void received.push(payload[0]);
    bus.publish("a", Uint8Array.of(1));
    bus.subscribe("a", subscriber);
    bus.publish("a", Uint8Array.of(2));
    bus.unsubscribe("a", subscriber);
    bus.publish("a", Uint8Array.of(3));
    expect(received).to.deep.equal([2]);
  });
});

describe("MemoryBackend", () => {
  it("delivers nothing after close", async () => {
    const bus = new MemoryBus();
    const backend = new MemoryBackend(bus, "x");
    const received: string[] = [];
    await backend.open({ payload: (topic) => void received.push(topic), gap() {}, error() {} });
    await backend.subscribe("a");
    await backend.publish("a", new Uint8Array());
    await backend.close();
    await backend.publish("a", new Uint8Array());
    expect(received).to.deep.equal(["a"]);
  });

  it("includes the waiting payloads of its listener in inFlight until it is closed", async () => {
    const bus = new MemoryBus();
    const backend = new MemoryBackend(bus, "x");
    await backend.open({ payload() {}, gap() {}, error() {}, waiting: 3 });
    expect([bus.inFlight, backend.inFlight]).to.deep.equal([3, 3]);
    await backend.close();
    expect([bus.inFlight, backend.inFlight]).to.deep.equal([0, 0]);
  });
});

describe("MemoryLayer", () => {
  /** Adds so many slow channels to a group that a node needs several turns to serve them. */
  async function addMembers(layer: MemoryLayer): Promise<string[]> {
    const deliver = () => {
      const end = performance.now() + 0.2;
      while (performance.now() < end);
    };
    const channels = await Promise.all(
      Array.from({ length: 200 }, () => layer.newChannel({ deliver, gap() {} })),
    );
    await Promise.all(channels.map((channel) => layer.groupAdd("group", channel)));
    return channels;
  }

  it("includes undelivered messages of all nodes of its bus in inFlight, until they close", async () => {
    const bus = new MemoryBus();
    const [one, other] = [new MemoryLayer({ bus }), new MemoryLayer({ bus })];
    await Promise.all([one, other].map(addMembers));
    await one.groupSend("group", { type: "slow" });
    await nextTurn();
    expect([one.inFlight, other.inFlight]).to.deep.equal([2, 2]);
    await other.close();
    expect([one.inFlight, other.inFlight]).to.deep.equal([1, 1]);
    while (one.inFlight !== 0) await nextTurn();
    expect(one.counters().delivered).to.equal(200);
    expect(other.counters().delivered).to.be.within(1, 199);
    await one.close();
  });

  it("lets senders wait while more than 256 messages to a group are not delivered", async () => {
    const layer = new MemoryLayer();
    await layer.groupAdd("group", await layer.newChannel(new Recorder()));
    let settled = 0;
    const sends = Array.from({ length: 300 }, async () => {
      await layer.groupSend("group", { type: "one of many" });
      settled += 1;
    });
    await Promise.all(sends.slice(0, 256));
    // Other groups do not wait.
    await layer.groupSend("other", { type: "alone" });
    expect([settled, layer.inFlight]).to.deep.equal([256, 300]);
    await Promise.all(sends);
    expect(layer.inFlight).to.be.at.most(256);
    await layer.close();
  });

  it("counts the waiting messages when it closes", async () => {
    const layer = new MemoryLayer();
    const [channel = ""] = await addMembers(layer);
    await layer.groupSend("group", { type: "slow" });
    await layer.send(channel, { type: "late" });
    const { received, delivered, dropped } = layer.counters();
    expect({ received, dropped }).to.deep.equal({ received: 2, dropped: {} });
    const closing = layer.close();
    expect(layer.counters()).to.deep.include({ delivered, dropped: { "no-channel": 1 } });
    await closing;
  });
});

describe("MemoryLayer without a bus", () => {
  it("does not reach other layers", async () => {
    const [one, other] = [new MemoryLayer(), new MemoryLayer()];
    const [mine, theirs] = [new Recorder(), new Recorder()];
    await one.groupAdd("group", await one.newChannel(mine));
    await other.groupAdd("group", await other.newChannel(theirs));
    await other.groupSend("group", { type: "theirs" });
    await one.groupSend("group", { type: "mine" });
    await theirs.next("theirs");
    await mine.next("mine");
    expect([mine.types, theirs.types]).to.deep.equal([["mine"], ["theirs"]]);
    await Promise.all([one.close(), other.close()]);
  });
});
