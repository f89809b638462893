import { expect } from "chai";
import { MemoryBus, MemoryLayer } from "greenroom";
import { inspector } from "greenroom/inspector";
import type { NamedContent, NamedRequest } from "../../inspector/protocol.ts";
import type { StateBackend } from "../../layers/state-backend.ts";
import { until } from "../layers/support/until.ts";
import { InspectorClient, token } from "../support/inspector-client.ts";
import { lotMachine } from "../support/lot-machine.ts";
import { serve, stopServing } from "../support/serving.ts";

describe("Named actors in the inspector", () => {
  afterEach(stopServing);

  async function inspectLots({ payloads = false, bus = new MemoryBus() } = {}) {
    const serving = await serve({ layers: { state: new MemoryLayer({ bus }) } });
    inspector(serving.runtime, { path: "/inspect", token, payloads, tickMs: 20 });
    const lots = serving.runtime.named("lot", lotMachine, { layer: "state", partitions: 8, attempts: 1 });
    await serving.runtime.ready();
    const page = await InspectorClient.open(serving.url);
    const read = async (request: Partial<NamedRequest> = {}): Promise<NamedContent> => {
      const whole = { type: "named", kind: "lot", ...request };
      page.ask(whole);
      const { content } = await page.next("named", (report) => report.request.key === request.key);
      if ("error" in content) throw new Error(content.error);
      return content;
    };
    return { ...serving, lots, page, read };
  }

  it("tells the kinds of this node at each tick", async () => {
    const { page, runtime } = await inspectLots();
    runtime.named("far", { partitions: 8 });
    const { named } = await page.next("tick", (tick) => tick.named.length === 2);
    expect(named.map(({ kind, layer, runs, partitions }) => [kind, layer, runs, partitions])).to.deep.equal([
      ["lot", "state", true, 8],
      ["far", "state", false, 8],
    ]);
    expect(named[0]?.counters).to.deep.equal(runtime.counters().named.lot);
  });

  it("tells nodes, partitions and actors, also of a process that only calls them", async () => {
    const bus = new MemoryBus();
    const { lots, read } = await inspectLots({ bus });
    for (const key of ["a", "b"]) await lots.get(key).send({ type: "bid", amount: 1 });
    await until(async () => (await lots.list()).length === 2);
    const { members, partitions, actors } = await read();
    expect(members.map(({ isThis }) => isThis)).to.deep.equal([true]);
    expect(partitions).to.have.length(8);
    expect(actors.map(({ key, state }) => [key, state])).to.have.deep.members([
      ["a", "open"],
      ["b", "open"],
    ]);
    const caller = await serve({ layers: { state: new MemoryLayer({ bus }) } });
    inspector(caller.runtime, { path: "/inspect", token, tickMs: 20 });
    caller.runtime.named("lot", { partitions: 8 });
    const page = await InspectorClient.open(caller.url);
    page.ask({ type: "named", kind: "lot" });
    const { content } = await page.next("named");
    expect(content).to.deep.include({ partitions: (content as NamedContent).partitions });
    expect((content as NamedContent).members.map(({ isThis }) => isThis)).to.deep.equal([false]);
    expect((content as NamedContent).actors).to.have.length(2);
  });

  it("has pages of 50 actors", async () => {
    const { lots, read } = await inspectLots();
    const keys = Array.from({ length: 60 }, (_, index) => `key ${index}`);
    await Promise.all(keys.map((key) => lots.get(key).send({ type: "bid", amount: 1 })));
    await until(async () => (await lots.list()).length === 60);
    const first = await read();
    expect(first.actors).to.have.length(50);
    const second = await read({
      key: keys[0] as string,
      ...(first.next !== undefined && { after: first.next }),
    });
    expect(second.actors).to.have.length(10);
    expect(second).not.to.have.property("next");
    expect([...first.actors, ...second.actors].map(({ key }) => key)).to.have.members(keys);
  });

  for (const payloads of [false, true]) {
    it(`tells the facts of an actor, and its dead letters, ${payloads ? "with" : "without"} payloads`, async () => {
      const { lots, read } = await inspectLots({ payloads });
      const lot = lots.get("a");
      await lot.send({ type: "bid", amount: 7 });
      await lot.ask({ type: "bid", amount: -1 }).catch(() => {});
      await lot.send({ type: "appraise" });
      await until(async () => (await read()).parked.length === 1);
      const { open, deadLetters, parked, actors } = await read({ key: "a" });
      const reason = 'The child "0.(machine).appraised" has failed: The expert is ill.';
      expect(open).to.deep.include({ key: "a", state: "appraised", mailbox: 0, machineVersion: 1 });
      expect(open?.parked?.reason).to.equal(reason);
      expect(actors[0]?.parked?.reason).to.equal(reason);
      expect(parked.map((each) => each.reason)).to.deep.equal([reason]);
      expect(deadLetters.map(({ key, what, payload, reason }) => [key, what, reason, payload])).to.deep.equal(
        [["a", "bid", "No bid is -1.", payloads ? "{ type: 'bid', amount: -1 }" : undefined]],
      );
      expect([open?.view, open?.context]).to.deep.equal(
        payloads ? ["'appraised'", "{ amount: 7 }"] : [undefined, undefined],
      );
      const ofPartition = await read({ partition: open?.partition ?? 0 });
      expect(ofPartition.deadLetters).to.deep.equal(deadLetters);
      expect((await read({ key: "none" })).open).to.deep.include({ key: "none", state: "" });
    });
  }

  it("reads the store only while the page shows a kind", async () => {
    const { page, runtime } = await inspectLots();
    let reads = 0;
    const { layers } = runtime as unknown as { layers: { state: MemoryLayer } };
    const { state } = layers.state;
    const { run } = state;
    // A node makes these calls also if no page is open.
    const own = ["beat", "claim", "turn"];
    const count = (backend: StateBackend, name: string | symbol) => {
      if (!own.includes(String(name))) reads += 1;
      const value = Reflect.get(backend, name);
      return typeof value === "function" ? value.bind(backend) : value;
    };
    state.run = (work) => run.call(state, (backend) => work(new Proxy(backend, { get: count }))) as never;
    page.ask({ type: "named", kind: "lot" });
    await page.next("named");
    expect(reads).to.be.above(8);
    page.ask({ type: "named" });
    await page.list();
    const { at } = await page.next("tick");
    reads = 0;
    await page.next("tick", (tick) => tick.at > at + 2_500);
    expect(reads).to.equal(0);
    page.ask({ type: "named", kind: "lot" });
    await page.next("named");
    await page.next("named");
    expect(reads).to.be.above(20);
  });

  it("tells why a kind cannot be read, and refuses malformed requests", async () => {
    const { page } = await inspectLots();
    page.ask({ type: "named", kind: "none" });
    const { content } = await page.next("named");
    expect(content).to.have.property("error").that.contains('no named actors of the kind "none"');
    for (const request of [
      { kind: 1 },
      { kind: "lot", partition: 5_000 },
      { kind: "lot", key: "x".repeat(501) },
    ]) {
      page.ask({ type: "named", ...request });
      expect((await page.next("refused")).reason).to.be.a("string");
    }
  });
});
