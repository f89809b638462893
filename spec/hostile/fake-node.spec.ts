import { expect } from "chai";
import { createRuntime, MemoryBus, MemoryLayer } from "greenroom";
import { SimulatedClock } from "xstate";
import { until } from "../layers/support/until.ts";
import {
  type ChatRuntime,
  Clerk,
  opened,
  query,
  startCluster,
  stopCluster,
} from "../runtime/support/cluster.ts";
import { settle } from "../runtime/support/cut-layer.ts";
import { Visitor, visitor } from "../runtime/support/visitor.ts";
import { entriesOf, FakeNodes } from "./support/fake-nodes.ts";

const nodeHeartbeatMs = 5_000;
const text = "x".repeat(1_000_000);

// A program with access to the control layer announced 10,000 nodes with leases of three hours, and 286 MB of
// presence. For three hours, nodes that started were unknown to the others.
describe("A fake node", () => {
  let bus: MemoryBus;
  let clock: SimulatedClock;
  let here: ChatRuntime;
  let there: ChatRuntime;
  let fake: FakeNodes;
  let reported: string[];
  const excess = () => here.counters().dropped.excess;
  beforeEach(async () => {
    bus = new MemoryBus();
    clock = new SimulatedClock();
    reported = [];
    const onError = (error: unknown) => reported.push((error as Error).message);
    [here, there] = await startCluster(2, { clock, nodeHeartbeatMs, onError }, bus);
    fake = new FakeNodes(opened(new MemoryLayer({ bus })));
  });
  afterEach(stopCluster);

  /** Lets time pass in steps in which each node sends a heartbeat. */
  async function pass(seconds: number): Promise<void> {
    for (let passed = 0; passed < seconds * 1_000; passed += nodeHeartbeatMs) {
      clock.increment(nodeHeartbeatMs);
      await settle(bus);
    }
  }

  /** The nodes know each other: their actors answer, and their presences are seen. */
  async function expectHealthy(): Promise<void> {
    const actor = await there.spawn(Clerk, query("group=clerks"));
    expect(await here.ask(actor.channel, { type: "add", numbers: [1, 2] })).to.equal(3);
    const member = await there.spawn(Visitor, visitor("ada", "home", 0));
    await until(() => here.presenceCount("lobby") === 1);
    await Promise.all([actor.stop(), member.stop()]);
    await until(() => here.presenceCount("lobby") === 0);
  }

  it("that has thousands of names does not displace a node, and does not keep out a new one", async () => {
    await pass(5);
    for (let index = 0; index < 3_000; index += 1) await fake.announce(`n${index}`);
    await settle(bus);
    expect(here.nodes).to.have.length(1_001).and.to.include(there.node);
    expect(excess()).to.equal(3_000 - 999);
    expect(reported.filter((text) => text.includes("exceeded a limit for other nodes"))).to.have.length(2);
    await expectHealthy();
    const options = { layers: { chat: new MemoryLayer({ bus }) }, clock, nodeHeartbeatMs, onError() {} };
    const late = opened(createRuntime(options));
    await late.ready();
    await until(() => here.nodes.includes(late.node) && late.nodes.includes(here.node));
    // The second heartbeat of a name counts, even if the name was displaced in between.
    for (let round = 0; round < 2; round += 1) {
      for (let index = 0; index < 1_100; index += 1) await fake.announce(`m${round}-${index}`);
      await settle(bus);
      expect(here.nodes.includes(late.node), `after round ${round}`).to.equal(round === 1);
      await pass(5);
    }
    expect(here.nodes).to.include.members([there.node, late.node]);
    await fake.announce("last");
    await settle(bus);
    expect(here.nodes).to.include.members([there.node, late.node, "last"]);
  });

  it("is forgotten within four minutes, whatever lease it claims", async () => {
    await fake.announce("fake");
    await settle(bus);
    await pass(175);
    expect(here.nodes).to.include("fake");
    await pass(65);
    expect(here.nodes).to.deep.equal([here.node, there.node]);
    await expectHealthy();
  });

  it("cannot fill the memory with the names of its layers", async () => {
    await fake.announce("fake", { layers: { ["x".repeat(10_000)]: "fake" } });
    const many = Object.fromEntries(
      Array.from({ length: 100 }, (_, n) => [`a${n}${"x".repeat(90)}`, `i${n}`]),
    );
    await fake.announce("fake", { layers: { ...many, a0: "fake" } });
    await until(() => here.counters().dropped.garbage === 2);
    expect(here.nodes).to.deep.equal([here.node, there.node]);
  });

  it("gets few answers to many heartbeats", async () => {
    await pass(5);
    const { published } = here.layers.chat.counters();
    for (let count = 0; count < 500; count += 1) await fake.announce("fake", { reply: true });
    await settle(bus);
    expect(here.layers.chat.counters().published - published).to.equal(10);
    expect(excess()).to.equal(490);
    for (let index = 0; index < 1_200; index += 1) await fake.announce(`n${index}`, { reply: true });
    await settle(bus);
    expect(here.layers.chat.counters().published - published).to.be.within(900, 1_000);
    await expectHealthy();
  });

  it("gets few copies of the presence, and is asked for few copies of its own", async () => {
    const member = await here.spawn(Visitor, visitor("bob", "home", 0));
    await settle(bus);
    await fake.announce("fake");
    await settle(bus);
    const { published } = here.layers.chat.counters();
    const publishedSince = () => here.layers.chat.counters().published - published;
    for (let count = 0; count < 200; count += 1) await fake.say("fake", "resync", {});
    await settle(bus);
    expect(publishedSince()).to.equal(10);
    for (let version = 1; version <= 200; version += 1) await fake.announce("fake", { version });
    await settle(bus);
    expect(publishedSince()).to.equal(20);
    expect(excess()).to.equal(380);
    await pass(5);
    await fake.say("fake", "resync", {});
    await settle(bus);
    expect(excess()).to.equal(380);
    await member.stop();
    await expectHealthy();
  });

  it("cannot fill the memory with presence", async () => {
    await fake.announce("fake");
    for (let version = 1; version <= 80; version += 1) {
      const joins = entriesOf("crowd", version, 1, text, 3_600_000);
      await fake.say("fake", "presence", { version, joins, leaves: [], ended: [] });
    }
    await settle(bus);
    const count = here.presenceCount("crowd");
    // A text takes 2 bytes for each letter, or fewer.
    expect(count).to.equal(Math.floor((128 * 1024 * 1024) / (2 * text.length)));
    expect(excess()).to.be.greaterThan(0);
    await expectHealthy();
    await fake.say("fake", "leave", {});
    await settle(bus);
    await expectHealthy();
    // Some entries stay for the grace that they claim.
    expect(here.presenceCount("crowd")).to.be.within(25, 33);
    await pass(3_600);
    expect(here.presenceCount("crowd")).to.equal(0);
  });

  it("cannot send more entries in a message than a node sends", async () => {
    await fake.announce("fake");
    for (const [version, count] of [
      [1, 10_001],
      [1, 10_000],
    ] as const) {
      const joins = entriesOf("crowd", 0, count, 0);
      await fake.say("fake", "presence", { version, joins, leaves: [], ended: [] });
    }
    await until(() => here.presenceCount("crowd") === 10_000);
    expect(here.counters().dropped.garbage).to.equal(1);
  });

  it("cannot make group asks wait without a limit", async () => {
    const actor = await here.spawn(Clerk, query("group=clerks"));
    await fake.announce("fake");
    const ask = { group: "clerks", layer: "chat", message: { type: "hold" } };
    const gather = { request: "ask", fields: ask, deadlineMs: 2_000_000_000 };
    for (let index = 0; index < 150; index += 1)
      await fake.say("fake", "gather", { ...gather, id: `${index}` });
    await settle(bus);
    expect(excess()).to.equal(50);
    // A disconnect is never refused.
    const tag = { tag: "user.42", code: 4001, reason: "" };
    const tagged = await here.spawn(Clerk, query("tag=user.42"));
    await fake.say("fake", "gather", { id: "x", request: "disconnect", fields: tag, deadlineMs: 1 });
    expect((await tagged.done).code).to.equal(4001);
    await pass(300);
    await fake.say("fake", "gather", { ...gather, id: "y" });
    await settle(bus);
    expect(excess()).to.equal(50);
    await actor.stop();
    await expectHealthy();
  });

  it("cannot fill the memory with replies", async () => {
    await fake.announce("fake");
    await until(() => here.nodes.length === 3);
    const asking = here.askGroup("nobody", { type: "note", text: "?" }, { timeoutMs: 100_000 });
    await settle(bus);
    for (let part = 0; part < 40; part += 1) {
      await fake.say("fake", "gathered", { id: "1", values: [text], total: 100, isLast: false });
    }
    // The request ends without the fake node.
    const { replies, missing } = await asking;
    expect([replies, missing]).to.deep.equal([[], ["fake"]]);
    expect(excess()).to.equal(1);
    await expectHealthy();
  });
});
