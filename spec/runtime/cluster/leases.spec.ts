import { expect } from "chai";
import { MemoryBus, MemoryLayer } from "greenroom";
import { SimulatedClock } from "xstate";
import { NodeChannel } from "../../../runtime/cluster/node-channel.ts";
import { NodeRegistry } from "../../../runtime/cluster/node-registry.ts";
import { Presence } from "../../../runtime/presence/presence.ts";
import { opened, stopCluster } from "../support/cluster.ts";
import { nodeHeartbeatMs, pass, settle, startCuttable } from "../support/cut-layer.ts";

describe("The lease of a node", () => {
  let bus: MemoryBus;
  beforeEach(() => {
    bus = new MemoryBus();
  });
  afterEach(stopCluster);

  it("ends with the next echo after three intervals of the other node, even if these are short", async () => {
    const here = await startCuttable(bus);
    const there = await startCuttable(bus, nodeHeartbeatMs / 4);
    await pass(1, bus, here, there);
    there.link.sends = "lose";
    await pass(2, bus, here, there);
    expect(here.runtime.nodes).to.have.length(1);
  });

  it("does not end before the echo of a heartbeat that was sent later", async () => {
    const clock = new SimulatedClock();
    const layer = opened(new MemoryLayer({ bus }));
    const listener = { opened() {}, received() {}, echoed() {}, gap() {} };
    const channel = new NodeChannel(layer, listener, () => {});
    const presence = new Presence({ broadcast() {}, request() {}, reply() {} }, clock);
    const options = { clock, nodeHeartbeatMs, layers: { chat: layer.node } };
    const registry = new NodeRegistry(channel, options, presence, () => {});
    registry.start();
    await settle(bus);
    const heartbeat = { layers: new Map([["chat", "n"]]), nodeHeartbeatMs: 100, version: 0, reply: false };
    registry.onEcho({ sentAt: 0 });
    registry.onHeartbeat(heartbeat, "n!1");
    clock.increment(300);
    // A forged echo cannot be later than the last heartbeat.
    for (const sentAt of [0, 299, 10_000, "300"]) registry.onEcho({ sentAt });
    expect(registry.ids).to.deep.equal(["n"]);
    clock.increment(700);
    await settle(bus);
    registry.onEcho({ sentAt: 299 });
    expect(registry.ids).to.deep.equal(["n"]);
    registry.onEcho({ sentAt: 300 });
    expect(registry.ids).to.deep.equal([]);
    registry.stop();
  });
});
