import { expect } from "chai";
import { SimulatedClock } from "xstate";
import { InvalidOptionError, UnsupportedError } from "../../../layers/errors.ts";
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
    expect(other.counters().delivered).to.be.below(200);
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

describe("The histories of memory layers", () => {
  it("are not kept unless they are requested, and `history` names both ways to request them", async () => {
    const layer = new MemoryLayer();
    const inbox = new Recorder();
    await layer.groupAdd("group", await layer.newChannel(inbox));
    await layer.groupSend("group", { type: "sent" });
    await inbox.next("sent");
    expect(inbox.mails[0]?.delivery).to.deep.equal({ group: "group" });
    const error = await layer.history("group").catch((error) => error);
    expect(error).to.be.instanceOf(UnsupportedError);
    expect(error.message).to.contain("`history: true`").and.to.contain('`static needs = ["history"]`');
    await layer.close();
  });

  it("are kept for all nodes with the prefix of the layer that requested them, and for no others", async () => {
    const bus = new MemoryBus();
    const one = new MemoryLayer({ bus });
    await one.groupSend("group", { type: "too early" });
    const other = new MemoryLayer({ bus, history: true });
    const stranger = new MemoryLayer({ bus, prefix: "stranger" });
    for (const layer of [one, other, stranger]) await layer.groupSend("group", { type: "sent" });
    for (const layer of [one, other]) {
      const { entries, position } = await layer.history("group");
      expect([entries.length, position?.offset]).to.deep.equal([2, 2]);
    }
    expect(await stranger.history("group").catch((error) => error)).to.be.instanceOf(UnsupportedError);
    await Promise.all([one, other, stranger].map((layer) => layer.close()));
  });

  it("are incomplete once their messages were removed for the sake of `maxHistoryBytes`", async () => {
    const bus = new MemoryBus({ maxHistoryBytes: 2 * 1024 * 1024 });
    const layer = new MemoryLayer({ bus, history: true });
    const text = "x".repeat(500_000);
    const send = (group: string) => layer.groupSend(group, { type: "long", text });
    await send("old");
    const { position } = await layer.history("old");
    if (position === undefined) throw new Error("There is no history.");
    const since = { ...position, offset: 0 };
    expect(await layer.history("old", { since })).to.include({ complete: true });
    for (let n = 0; n < 4; n += 1) await send("new");
    const old = await layer.history("old", { since });
    expect([old.entries, old.complete]).to.deep.equal([[], false]);
    await send("old");
    expect(await layer.history("old", { since: position })).to.include({ complete: false });
    const largest = "x".repeat(1024 * 1024 - 100);
    for (let n = 0; n < 3; n += 1) await layer.groupSend("new", { type: "largest", text: largest });
    expect((await layer.history("new")).entries).to.have.length(1);
    await layer.close();
  });

  it("expire on the clock of the bus, whose timer runs only while a layer is open", async () => {
    const clock = new SimulatedClock();
    const timers = new Set<unknown>();
    const bus = new MemoryBus({
      expiryMs: 5_000,
      clock: {
        setTimeout: (fn, ms) => {
          const id = clock.setTimeout(fn, ms);
          timers.add(id);
          return id;
        },
        clearTimeout: (id) => {
          timers.delete(id);
          clock.clearTimeout(id as number);
        },
        now: () => clock.now(),
      },
    });
    const layers = [new MemoryLayer({ bus, history: true }), new MemoryLayer({ bus })];
    for (const layer of layers) await layer.groupSend("group", { type: "sent" });
    clock.increment(4_999);
    expect((await layers[0]?.history("group"))?.entries).to.have.length(2);
    clock.increment(1);
    expect((await layers[0]?.history("group"))?.entries).to.have.length(0);
    timers.clear();
    await layers[1]?.groupSend("group", { type: "sent" });
    for (const [index, layer] of layers.entries()) {
      expect(timers.size).to.equal(1);
      await layer.close();
      await layer.close();
      expect(timers.size).to.equal(1 - index);
    }
    const again = new MemoryLayer({ bus });
    await again.newChannel(new Recorder());
    expect(timers.size, "for the history of the closed layers").to.equal(1);
    await again.close();
  });

  it("have a budget of at least 2 MiB", () => {
    for (const maxHistoryBytes of [0, 2 * 1024 * 1024 - 1, Number.POSITIVE_INFINITY, 1e7 + 0.5]) {
      expect(() => new MemoryBus({ maxHistoryBytes })).to.throw(InvalidOptionError, "`maxHistoryBytes`");
    }
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
