import { expect } from "chai";
import { ChannelLayer, createRuntime, MemoryBus, MemoryLayer, type RuntimeOptions } from "greenroom";
import { SimulatedClock } from "xstate";
import { LayerUnavailableError } from "../../../layers/errors.ts";
import { MemoryBackend } from "../../../layers/memory/memory-backend.ts";
import { until } from "../../layers/support/until.ts";
import { gate } from "../../support/gate.ts";
import {
  type ChatRuntime,
  Clerk,
  codeOf,
  opened,
  query,
  startCluster,
  stopCluster,
} from "../support/cluster.ts";
import { settle } from "../support/cut-layer.ts";

/** A layer that loses all messages to other nodes while it is cut off. */
class CutLayer extends MemoryLayer {
  isCut = false;
  override async groupSend(...args: Parameters<MemoryLayer["groupSend"]>): Promise<void> {
    if (!this.isCut) await super.groupSend(...args);
  }
}

/** Sends to all nodes, as any program on the layer can. */
async function forge(layer: MemoryLayer, message: object): Promise<void> {
  await layer.groupSend("greenroom.nodes", message as never);
}

describe("NodeRegistry", () => {
  afterEach(stopCluster);

  it("knows the other nodes when it has joined, and removes a node that leaves", async () => {
    const bus = new MemoryBus();
    const [one, two] = await startCluster(2, {}, bus);
    const three = opened(createRuntime({ layers: { chat: new MemoryLayer({ bus }) } }));
    await three.ready();
    const ids = [one, two, three].map(({ node }) => node);
    for (const runtime of [one, two, three]) await until(() => runtime.nodes.length === 3);
    expect(three.nodes).to.have.members(ids);
    expect(three.nodes[0]).to.equal(three.node);
    await two.close();
    await until(() => one.nodes.length === 2 && three.nodes.length === 2);
  });

  it("removes a node after three intervals without a heartbeat, and not earlier", async () => {
    const clock = new SimulatedClock();
    const bus = new MemoryBus();
    const lost = new CutLayer({ bus });
    const dead = opened(createRuntime({ layers: { chat: lost }, clock, nodeHeartbeatMs: 1_000 }));
    const [here] = await startCluster(1, { clock, nodeHeartbeatMs: 1_000 }, bus);
    await dead.ready();
    await until(() => here.nodes.length === 2 && dead.nodes.length === 2);
    const actor = await dead.spawn(Clerk);
    const asking = here.ask(actor.channel, { type: "hold" }, { timeoutMs: 100_000 }).catch((error) => error);
    expect((await actor.outgoing.next()).value).to.equal("holding");
    await dead.layers.chat.groupAdd("clerks", actor.channel);
    const polling = here.askGroup("clerks", { type: "note", text: "?" }, { timeoutMs: 100_000 });
    lost.isCut = true;
    // In small steps, so that no heartbeat of this node is so late that its echo counts as an interruption.
    const pass = async (ms: number) => {
      for (let left = ms; left > 0; left -= 100) {
        clock.increment(Math.min(left, 100));
        await settle(bus);
      }
    };
    await settle(bus);
    await pass(2_999);
    expect(here.nodes).to.deep.equal([here.node, dead.node]);
    // The echo of this node's next heartbeat removes the node.
    await pass(1_100);
    expect(here.nodes).to.deep.equal([here.node]);
    expect(await asking).to.have.property("message", `The node of "${actor.channel}" has left.`);
    expect(await polling).to.deep.equal({ replies: [], failures: [], missing: [dead.node] });
    // The cut-off node still receives, and its next heartbeat adds it again.
    expect(dead.nodes).to.have.length(2);
    lost.isCut = false;
    clock.increment(1_000);
    await until(() => here.nodes.length === 2);
  });

  it("keeps the other nodes after its own event loop was blocked for longer than a lease", async () => {
    class Frozen extends SimulatedClock {
      jumpMs = 0;
      override now() {
        return super.now() + this.jumpMs;
      }
    }
    const clock = new Frozen();
    const [here, there] = await startCluster(2, { clock, nodeHeartbeatMs: 1_000 });
    clock.jumpMs = 60_000;
    clock.increment(1_000);
    expect(here.nodes).to.deep.equal([here.node, there.node]);
  });

  it("joins when the layer is back, and serves local actors until then", async () => {
    class DownBackend extends MemoryBackend {
      isDown = true;
      override async open(...args: Parameters<MemoryBackend["open"]>): Promise<void> {
        if (this.isDown) throw new LayerUnavailableError("The server does not answer.");
        await super.open(...args);
      }
    }
    const bus = new MemoryBus();
    const [other] = await startCluster(1, { nodeHeartbeatMs: 20 }, bus);
    const backend = new DownBackend(bus, "greenroom");
    const stages: string[] = [];
    const options: RuntimeOptions<{ chat: ChannelLayer }> = {
      layers: { chat: new ChannelLayer(backend, { prefix: "greenroom" }) },
      nodeHeartbeatMs: 20,
      onError: (_, { stage }) => stages.push(stage),
    };
    const runtime = opened(createRuntime(options));
    class Layerless extends Clerk {
      static override readonly layer = undefined as never;
    }
    const actor = await runtime.spawn(Layerless);
    expect(await runtime.ask(actor.channel, { type: "add", numbers: [1, 2] })).to.equal(3);
    await runtime.send(actor.channel, { type: "note", text: "local" });
    expect((await actor.outgoing.next()).value).to.equal("local");
    const tagged = await runtime.spawn(Layerless, query("tag=user.42"));
    expect(await runtime.disconnect("user.42", 4001).catch((error) => error)).to.be.instanceOf(
      LayerUnavailableError,
    );
    expect((await tagged.done).code).to.equal(4001);
    expect(await runtime.count("x").catch((error) => error)).to.be.instanceOf(LayerUnavailableError);
    expect(await runtime.ready().catch((error) => error)).to.be.instanceOf(LayerUnavailableError);
    await until(() => stages.length > 0);
    expect(new Set(stages)).to.deep.equal(new Set(["control"]));
    backend.isDown = false;
    await until(() => runtime.nodes.length === 2 && other.nodes.length === 2);
    expect(await other.ask(actor.channel, { type: "add", numbers: [3, 4] })).to.equal(7);
  });

  it("is reachable again with its first heartbeat after a flush of its layer", async () => {
    const clock = new SimulatedClock();
    const [here, there] = await startCluster(2, { clock, nodeHeartbeatMs: 1_000 });
    await here.layers.chat.flush();
    const actor = await here.spawn(Clerk);
    const { garbage } = there.counters().dropped;
    const { received } = there.layers.chat.counters();
    clock.increment(1_000);
    await until(() => there.layers.chat.counters().received >= received + 2);
    expect(await there.ask(actor.channel, { type: "add", numbers: [1, 2] })).to.equal(3);
    expect(await here.ask((await there.spawn(Clerk)).channel, { type: "add", numbers: [3] })).to.equal(3);
    expect(there.counters().dropped.garbage).to.equal(garbage);
  });

  it("joins again after a flush of its layer", async () => {
    const [here, there] = await startCluster(2, { nodeHeartbeatMs: 20 });
    await here.layers.chat.flush();
    const actor = await here.spawn(Clerk);
    await until(() =>
      there.ask(actor.channel, { type: "add", numbers: [] }, { timeoutMs: 10 }).then(
        () => true,
        () => false,
      ),
    );
  });

  it("handles no messages after it has left", async () => {
    const leaving = gate();
    class SlowLayer extends MemoryLayer {
      override async groupSend(...args: Parameters<MemoryLayer["groupSend"]>): Promise<void> {
        await super.groupSend(...args);
        if (args[1].type === "greenroom.leave") await leaving.opened;
      }
    }
    const bus = new MemoryBus();
    const two = opened(createRuntime({ layers: { chat: new SlowLayer({ bus }) } }));
    await two.ready();
    const one = opened(createRuntime({ layers: { chat: new MemoryLayer({ bus }) } }));
    await one.ready();
    await until(() => one.nodes.length === 2);
    const closing = two.close();
    await until(() => one.nodes.length === 1);
    const three = opened(createRuntime({ layers: { chat: new MemoryLayer({ bus }) } }));
    await three.ready();
    await until(() => three.nodes.length === 2);
    expect(await three.count("nobody")).to.deep.equal({ count: 0, missing: [] });
    expect(three.nodes).to.deep.equal([three.node, one.node]);
    leaving.open();
    await closing;
  });

  it("releases its timers, its channel and its membership when it is closed", async () => {
    const timers = new Set<unknown>();
    const clock = {
      setTimeout: (fn: () => void, ms: number) => {
        const timer = setTimeout(() => {
          timers.delete(timer);
          fn();
        }, ms);
        timers.add(timer);
        return timer;
      },
      clearTimeout: (timer: unknown) => {
        timers.delete(timer);
        clearTimeout(timer as NodeJS.Timeout);
      },
    };
    const [here, there] = await startCluster(2, { clock });
    const actor = await here.spawn(Clerk);
    await there.ask(actor.channel, { type: "add", numbers: [] });
    await there.askGroup("nobody", { type: "note" });
    const { chat } = here.layers;
    expect([...chat.local.membersOf("greenroom.nodes")]).to.have.length(1);
    await Promise.all([here.close(), there.close(), here.close()]);
    expect(timers.size).to.equal(0);
    expect([...chat.local.membersOf("greenroom.nodes")]).to.deep.equal([]);
  });

  it("does not keep the process alive", async function () {
    this.timeout(60_000);
    const { run } = await import("../../support/child-process.ts");
    const script = `
      const { createRuntime, MemoryLayer } = await import("greenroom");
      await createRuntime({ layers: { chat: new MemoryLayer() } }).ready();
    `;
    const flags = ["--import=tsx", "--conditions=greenroom-source", "--input-type=module", "--eval", script];
    await run(process.execPath, flags, { timeout: 20_000 });
  });

  it("refuses to let actors use the group and the channels of the nodes", async () => {
    const [here, there] = await startCluster(2);
    class Meddler extends Clerk {
      override async connect() {
        await this.accept();
        const channels = [here, there].flatMap(({ layers }) => [
          ...layers.chat.local.membersOf("greenroom.nodes"),
        ]);
        const bye = { type: "greenroom.leave", from: `${there.node}!1` };
        const tries = [
          () => this.groupAdd("greenroom.nodes"),
          () => this.groupDiscard("greenroom.nodes"),
          () => this.groupSend("greenroom.nodes", bye as never),
          ...channels.flatMap(({ channel }) => [
            () => this.sendTo(channel, bye),
            () => this.ask(channel, bye),
          ]),
        ];
        for (const attempt of tries) this.send(`${await attempt().catch(codeOf)}`);
      }
    }
    const actor = await here.spawn(Meddler);
    for (let count = 0; count < 7; count += 1) {
      expect((await actor.outgoing.next()).value).to.equal("ERR_INVALID_NAME");
    }
    expect(here.nodes).to.have.length(2);
  });

  describe("drops and counts", () => {
    type Forgery = (target: ChatRuntime) => object;
    const forgery =
      (type: string, fields: object): Forgery =>
      () => ({ type: `greenroom.${type}`, from: "forged!1", ...fields });
    const heartbeat =
      (fields: Readonly<Record<string, unknown>>): Forgery =>
      (target) => ({
        ...forgery("heartbeat", {
          layers: { chat: "forged" },
          nodeHeartbeatMs: 5_000,
          version: 0,
          reply: false,
        })(target),
        ...Object.fromEntries(
          Object.entries(fields).map(([key, value]) => [
            key,
            typeof value === "function" ? value(target) : value,
          ]),
        ),
      });
    const forged: Readonly<Record<string, Forgery>> = {
      "a heartbeat without a sender": forgery("heartbeat", { from: undefined }),
      "a heartbeat with a sender that is not text": heartbeat({ from: 7 }),
      "a heartbeat with a sender that is not a channel": heartbeat({ from: "forged" }),
      "a heartbeat with a list of layers": heartbeat({ layers: ["chat"] }),
      "a heartbeat with an invalid id of a layer": heartbeat({ layers: { chat: "not a name" } }),
      "a heartbeat without the id of its own node": heartbeat({ layers: { chat: "another" } }),
      "a heartbeat with an invalid interval": heartbeat({ nodeHeartbeatMs: "often" }),
      "a heartbeat with a fractional version": heartbeat({ version: 0.5 }),
      "a heartbeat that claims this node's layer": heartbeat({
        layers: (target: ChatRuntime) => ({ chat: "forged", queue: target.node }),
      }),
      "a heartbeat that claims another node's layer": heartbeat({
        layers: (target: ChatRuntime) => ({ chat: "forged", queue: target.nodes[1] }),
      }),
      "a heartbeat in the name of another node": heartbeat({
        from: (target: ChatRuntime) => `${target.nodes[1]}!zz`,
      }),
      "an event of XState behind the prefix": forgery("xstate.stop", {}),
      "a type that is a property of every object": forgery("__proto__", {}),
      "a type of another program": () => ({ type: "room_message", message: "hello" }),
      "an ask without a message": forgery("ask", { id: "1", channel: "a!b" }),
      "an ask with an event of XState": (target) =>
        forgery("ask", { id: "1", channel: `${target.node}!1`, message: { type: "xstate.stop" } })(target),
      "a message with an event of XState": (target) =>
        forgery("send", { channel: `${target.node}!1`, message: { type: "xstate.stop" } })(target),
      "a message that is a list": forgery("send", { channel: "a!b", message: [] }),
      "an unknown request": forgery("gather", {
        id: "1",
        request: "constructor",
        fields: {},
        deadlineMs: 1,
      }),
      "a disconnect with an invalid close code": forgery("gather", {
        id: "1",
        request: "disconnect",
        fields: { tag: "user.42", code: 1006, reason: "" },
        deadlineMs: 1,
      }),
      "a reply without an id": forgery("reply", { outcome: { value: 1 } }),
      "values that are not a list": forgery("gathered", { id: "1", values: "many", total: 1, isLast: true }),
    };
    for (const [name, make] of Object.entries(forged)) {
      it(name, async () => {
        const bus = new MemoryBus();
        const [here] = await startCluster(2, {}, bus);
        const actor = await here.spawn(Clerk);
        const nodes = [...here.nodes];
        const stranger = opened(new MemoryLayer({ bus }));
        await forge(stranger, make(here));
        await until(() => here.counters().dropped.garbage === 1);
        expect(here.nodes).to.deep.equal(nodes);
        expect(await here.ask(actor.channel, { type: "add", numbers: [1] })).to.equal(1);
      });
    }

    it("a message without the prefix, but ignores its own messages", async () => {
      const bus = new MemoryBus();
      const [here] = await startCluster(1, {}, bus);
      const [own] = [...here.layers.chat.local.membersOf("greenroom.nodes")];
      const stranger = opened(new MemoryLayer({ bus }));
      const fields = { from: own?.channel, layers: { chat: here.node }, version: 9, reply: true };
      await forge(stranger, heartbeat(fields)(here));
      await forge(stranger, { type: "nothing" });
      await until(() => here.counters().dropped.garbage === 1);
      expect(here.nodes).to.deep.equal([here.node]);
    });

    it("a reply of a node that was not asked", async () => {
      const bus = new MemoryBus();
      const [here, there] = await startCluster(2, {}, bus);
      const actor = await there.spawn(Clerk);
      const asking = here.ask(actor.channel, { type: "hold" });
      expect((await actor.outgoing.next()).value).to.equal("holding");
      const stranger = opened(new MemoryLayer({ bus }));
      await forge(stranger, forgery("reply", { id: "1", outcome: { value: "lie" } })(here));
      await until(() => here.counters().dropped.garbage === 1);
      void actor.stop();
      expect(await asking).to.equal(undefined);
    });
  });
});
