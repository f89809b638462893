import { expect } from "chai";
import { handlers, MemoryBus, type PresenceDiff, WebSocketConsumer } from "greenroom";
import { query, stopCluster } from "../support/cluster.ts";
import { type Cuttable, nodeHeartbeatMs, pass, settle, startCuttable } from "../support/cut-layer.ts";

/** Is present in the lobby with the key of the query, and notes the changes that it is told. */
class Guest extends WebSocketConsumer<{ messages: { presence_diff: PresenceDiff } }> {
  static override readonly layer = "chat";
  static override readonly on = handlers<Guest>({
    presence_diff({ joins, leaves }) {
      for (const { key } of joins) told.push(`${this.#key} +${key}`);
      for (const { key } of leaves) told.push(`${this.#key} -${key}`);
    },
  });
  override connect() {
    this.track("lobby", {}, { key: this.#key });
  }
  get #key() {
    return this.scope.query.get("key") ?? "";
  }
}

const told: string[] = [];

describe("A node in an outage", () => {
  let bus: MemoryBus;
  let here: Cuttable;
  let there: Cuttable;
  beforeEach(async () => {
    bus = new MemoryBus();
    here = await startCuttable(bus);
    there = await startCuttable(bus);
    await here.runtime.spawn(Guest, query("key=ann"));
    await there.runtime.spawn(Guest, query("key=ben"));
    await pass(1, bus, here, there);
    told.length = 0;
  });
  afterEach(stopCluster);

  const keysOf = ({ runtime }: Cuttable) => [...runtime.presence("lobby").keys()].sort().join();
  const expectAll = (...nodes: Cuttable[]) => {
    for (const node of nodes) {
      expect(node.runtime.nodes).to.have.length(2);
      expect(keysOf(node)).to.equal("ann,ben");
    }
    expect(told).to.deep.equal([]);
  };

  const outages: Readonly<Record<string, (link: Cuttable["link"]) => void>> = {
    "receives nothing": (link) => {
      link.receives = "lose";
    },
    "loses everything in both directions": (link) => {
      link.receives = "lose";
      link.sends = "lose";
    },
    "receives nothing, and cannot send": (link) => {
      link.receives = "lose";
      link.sends = "refuse";
    },
  };
  const end = ({ link }: Cuttable) => {
    link.receives = "work";
    link.sends = "work";
  };

  for (const [name, begin] of Object.entries(outages)) {
    it(`keeps the others while it ${name}, and gives them time to reconnect and a full lease afterwards`, async () => {
      begin(here.link);
      begin(there.link);
      await pass(10, bus, here, there);
      expectAll(here, there);
      // This node is back at once. The other one makes its next attempt after the longest pause of a layer.
      end(here);
      await pass(7.75, bus, here, there);
      expectAll(here, there);
      end(there);
      await pass(5, bus, here, there);
      expectAll(here, there);
    });

    it(`removes a node that died while it ${name}, one lease after the time to reconnect`, async () => {
      begin(here.link);
      await there.runtime.close({ drainMs: 0 });
      await pass(6, bus, here);
      expectAll(here);
      end(here);
      await pass(7.75, bus, here);
      expectAll(here);
      // The first echo, and the echo after the lease, may each come one interval later.
      await pass(2.5, bus, here);
      expect(here.runtime.nodes).to.deep.equal([here.runtime.node]);
      expect([keysOf(here), ...told]).to.deep.equal(["ann", "ann -ben"]);
    });
  }

  it("keeps the others if it was cut off for less than a lease, and they return later", async () => {
    outages["receives nothing"]?.(there.link);
    there.link.sends = "lose";
    await pass(2, bus, here, there);
    // The layer of this node reports that messages may be lost, as it does after each reconnect.
    here.link.gap();
    await pass(2, bus, here, there);
    expectAll(here);
    end(there);
    await pass(4, bus, here, there);
    expectAll(here, there);
  });

  it("lists the others as missing, however long the outage is", async () => {
    here.link.receives = "lose";
    await pass(6, bus, here, there);
    const counting = here.runtime.count("user.42", { timeoutMs: 100 });
    await pass(1, bus, here, there);
    expect(await counting).to.deep.equal({ count: 0, missing: [there.runtime.node] });
  });

  it("is removed by the others, and its own members are told of real changes only", async () => {
    here.link.receives = "lose";
    here.link.sends = "lose";
    await pass(4.5, bus, here, there);
    expect(there.runtime.nodes).to.deep.equal([there.runtime.node]);
    expect(here.runtime.nodes).to.have.length(2);
    expect([keysOf(here), keysOf(there), ...told]).to.deep.equal(["ann,ben", "ben", "ben -ann"]);
    await there.runtime.spawn(Guest, query("key=cid"));
    await settle(bus);
    told.length = 0;
    end(here);
    await pass(2, bus, here, there);
    for (const node of [here, there]) expect(keysOf(node)).to.equal("ann,ben,cid");
    expect(told.sort()).to.deep.equal(["ann +cid", "ben +ann", "cid +ann"]);
  });

  it("keeps the others on a slow layer, and still removes a node that died", async () => {
    for (const { link } of [here, there]) link.receives = "hold";
    for (let round = 0; round < 8; round += 1) {
      await pass(4, bus, here, there);
      for (const { link } of [here, there]) link.release();
      await settle(bus);
      expectAll(here, there);
    }
    for (const node of [here, there]) {
      end(node);
      node.link.release();
    }
    there.link.sends = "lose";
    await pass(10, bus, here, there);
    expect(here.runtime.nodes).to.deep.equal([here.runtime.node]);
  });

  it("keeps the others after its process was stopped for longer than a lease", async () => {
    here.link.receives = "hold";
    await pass(6, bus, there);
    here.clock.jumpedMs += 6 * nodeHeartbeatMs;
    here.clock.increment(nodeHeartbeatMs);
    await settle(bus);
    expect(here.runtime.nodes).to.have.length(2);
    here.link.receives = "work";
    here.link.release();
    await pass(4, bus, here, there);
    for (const node of [here, there]) expect(keysOf(node)).to.equal("ann,ben");
    // The other node had removed this node. The members of this node are told nothing.
    expect(told).to.deep.equal(["ben -ann", "ben +ann"]);
  });
});
