import { expect } from "chai";
import { createRuntime, MemoryBus, MemoryLayer, UnknownLayerError, WebSocketConsumer } from "greenroom";
import { until } from "../../layers/support/until.ts";
import { unlessByMachine } from "../../support/serving.ts";
import { Clerk, codeOf, opened, startCluster, stopCluster } from "../support/cluster.ts";

class Layerless extends Clerk {
  static override readonly layer = undefined as never;
}

describe("The cluster API", () => {
  afterEach(stopCluster);

  describe("control layer", () => {
    it("is the layer with the alias `control`, and an unknown alias is refused with a list", () => {
      const layers = { chat: new MemoryLayer(), queue: new MemoryLayer() };
      expect(opened(createRuntime({ layers, control: "queue" })).node).to.equal(layers.queue.node);
      expect(() => createRuntime({ layers, control: "chats" as never })).to.throw(
        UnknownLayerError,
        '`control` names the layer "chats", which this runtime does not have. It has: chat, queue.',
      );
      expect(() => createRuntime({ control: "toString" as never })).to.throw(
        UnknownLayerError,
        "It has none",
      );
    });

    it("defaults to the only layer, or else to a layer of the runtime itself", () => {
      const chat = new MemoryLayer();
      expect(opened(createRuntime({ layers: { chat } })).node).to.equal(chat.node);
      const layers = { chat: new MemoryLayer(), queue: new MemoryLayer() };
      const { node: own } = opened(createRuntime({ layers }));
      expect(Object.values(layers).map(({ node }) => node)).not.to.include(own);
    });

    it("carries no messages for an unused runtime", async () => {
      const chat = new MemoryLayer();
      const runtime = opened(createRuntime({ layers: { chat } }));
      await runtime.close();
      expect(chat.counters()).to.include({ published: 0, received: 0 });
    });
  });

  describe("#send", () => {
    it("delivers in order to an actor on the same node and on another node", async () => {
      const [here, there] = await startCluster(2);
      for (const runtime of [here, there]) {
        const actor = await runtime.spawn(Clerk);
        for (const text of ["1", "2", "3"]) {
          await here.send(actor.channel, { type: "note", text });
        }
        for (const text of ["1", "2", "3"]) {
          expect((await actor.outgoing.next())?.value).to.equal(text);
        }
      }
    });

    it("delivers over the control layer to an actor without a layer", async () => {
      const [here, there] = await startCluster(2);
      const actor = await there.spawn(Layerless);
      expect(actor.channel).to.match(new RegExp(`^${there.node}!`));
      expect(actor.channel).to.equal(actor.channel);
      await here.send(actor.channel, { type: "note", text: "home" });
      expect((await actor.outgoing.next())?.value).to.equal("home");
    });

    it("relays over the control layer if this node lacks the actor's layer", async () => {
      const bus = new MemoryBus();
      const control = () => new MemoryLayer({ bus });
      const here = opened(
        createRuntime({ layers: { control: control(), other: new MemoryLayer() }, control: "control" }),
      );
      const there = opened(
        createRuntime({ layers: { control: control(), chat: new MemoryLayer() }, control: "control" }),
      );
      await Promise.all([here.ready(), there.ready()]);
      const actor = await there.spawn(Clerk);
      await here.send(actor.channel, { type: "note", text: "relayed" });
      expect((await actor.outgoing.next()).value).to.equal("relayed");
      expect(await here.ask(actor.channel, { type: "add", numbers: [1, 2] })).to.equal(3);
      await actor.stop();
      await here.send(actor.channel, { type: "note", text: "too late" });
      await until(() => there.counters().dropped["dead-letter"] === 1);
      await here.send("ffff!1", { type: "note", text: "to nobody" });
      expect(here.counters().dropped["dead-letter"]).to.equal(1);
    });

    it("delivers to an actor after an inbox that throws", async () => {
      const failures: unknown[] = [];
      const [runtime] = await startCluster(1, { onError: unlessByMachine((error) => failures.push(error)) });
      const actor = await runtime.spawn(Clerk);
      const broken = await runtime.layers.chat.newChannel({
        deliver() {
          throw new Error("broken");
        },
        gap() {},
      });
      await Promise.all([broken, actor.channel].map((to) => runtime.send(to, { type: "note", text: "1" })));
      expect((await actor.outgoing.next()).value).to.equal("1");
      expect(failures).to.have.length(1);
    });

    it("counts a message to a stopped actor as a dead letter", async () => {
      const [runtime] = await startCluster(1);
      const actor = await runtime.spawn(Clerk);
      await actor.stop();
      await runtime.send(actor.channel, { type: "note", text: "too late" });
      expect(runtime.counters().dropped["dead-letter"]).to.equal(1);
    });

    it("refuses names of other channels, invalid messages, and sends after close", async () => {
      const [runtime] = await startCluster(1);
      const actor = await runtime.spawn(Clerk);
      const refusal = (channel: string, message: object) =>
        runtime.send(channel, message as never).then(() => "sent", codeOf);
      expect(await refusal("jobs", { type: "note" })).to.equal("ERR_INVALID_NAME");
      expect(await refusal("a!b!c", { type: "note" })).to.equal("ERR_INVALID_NAME");
      expect(await refusal(actor.channel, { type: "xstate.stop" })).to.equal("ERR_INVALID_MESSAGE");
      expect(await refusal(actor.channel, { type: "note", text: () => {} })).to.equal("ERR_INVALID_MESSAGE");
      await runtime.close();
      expect(await refusal(actor.channel, { type: "note" })).to.equal("ERR_RUNTIME_CLOSED");
    });

    it("does not starve the event loop while two actors answer each other endlessly", async () => {
      class Player extends Clerk {
        override async connect() {
          await this.accept();
        }
      }
      const [runtime] = await startCluster(1);
      let rallies = 0;
      const actors = await Promise.all([runtime.spawn(Player), runtime.spawn(Player)]);
      for (const [index, actor] of actors.entries()) {
        void (async () => {
          for await (const _ of actor.outgoing) {
            rallies += 1;
            await runtime
              ?.send((actors[1 - index] ?? actor).channel, { type: "note", text: "ball" })
              .catch(() => {});
          }
        })();
      }
      actors[0].send({ type: "note", text: "ball" });
      await until(() => rallies > 100);
    });
  });

  describe("ActorRef#send", () => {
    it("delivers copies of messages in order, after the call", async () => {
      const [runtime] = await startCluster(1);
      const actor = await runtime.spawn(Layerless);
      const message = { type: "note", text: "1" };
      actor.send(message);
      message.text = "2";
      actor.send(message);
      expect([(await actor.outgoing.next())?.value, (await actor.outgoing.next())?.value]).to.deep.equal([
        "1",
        "2",
      ]);
      expect(() => actor.send({ type: "xstate.stop" })).to.throw("belong to XState");
    });

    it("counts a message to a stopped actor as a dead letter", async () => {
      const [runtime] = await startCluster(1);
      const actor = await runtime.spawn(Clerk);
      await actor.stop();
      actor.send({ type: "note", text: "too late" });
      await until(() => runtime.counters().dropped["dead-letter"] === 1);
    });
  });

  describe("an actor without a layer", () => {
    it("releases its channel when it stops", async () => {
      const [runtime] = await startCluster(1);
      const actor = await runtime.spawn(Layerless);
      const channel = actor.channel;
      expect(runtime.layers.chat.local.member(channel)).not.to.equal(undefined);
      await actor.stop();
      expect(runtime.layers.chat.local.member(channel)).to.equal(undefined);
    });

    // Most actors are never addressed, so a channel for each of them would waste memory.
    it("has no channel if only its reference is used", async () => {
      const [runtime] = await startCluster(1);
      const actor = await runtime.spawn(Layerless);
      const newNumber = async () => {
        const channel = await runtime.layers.chat.newChannel({ deliver() {}, gap() {} });
        return Number.parseInt(channel.split("!")[1] ?? "", 36);
      };
      const before = await newNumber();
      actor.send({ type: "note" });
      expect(await newNumber()).to.equal(before + 1);
    });

    it("has a channel even if the runtime has no layers", async () => {
      class Echo extends WebSocketConsumer {
        override receive() {
          this.send(this.channel);
        }
      }
      const runtime = opened(createRuntime());
      const actor = await runtime.spawn(Echo);
      actor.receive("?");
      expect((await actor.outgoing.next()).value).to.equal(actor.channel);
    });
  });
});
