import { expect } from "chai";
import {
  CloseError,
  createRuntime,
  type Effect,
  type FrameEvents,
  MemoryBus,
  MemoryLayer,
  machineConsumer,
  WebSocketConsumer,
} from "greenroom";
import { RedisPubSubLayer } from "greenroom/redis";
import { emit, setup } from "xstate";
import { Tags } from "../../../runtime/cluster/tags.ts";
import { Counters } from "../../../runtime/counters.ts";
import { until } from "../../layers/support/until.ts";
import { Client } from "../../support/client.ts";
import { gate } from "../../support/gate.ts";
import { chat, serve, stopServing } from "../../support/serving.ts";
import { Clerk, codeOf, opened, query, startCluster, stopCluster } from "../support/cluster.ts";

describe("Tags", () => {
  afterEach(() => Promise.all([stopCluster(), stopServing()]));

  it("count actors on all nodes, until the actors stop or remove the tag", async () => {
    class Fickle extends Clerk {
      override receive(text: string) {
        if (text === "untag") this.untag("user.42");
        else this.tag(text);
        this.send("done");
      }
    }
    const [here, there] = await startCluster(2);
    const one = await here.spawn(Clerk, query("tag=user.42"));
    const two = await there.spawn(Fickle, query("tag=user.42"));
    await there.spawn(Clerk, query("tag=user.43"));
    expect(await here.count("user.42")).to.deep.equal({ count: 2, missing: [] });
    expect(await there.count("user.44")).to.deep.equal({ count: 0, missing: [] });
    for (const [text, count] of [
      ["user.42", 2],
      ["untag", 1],
      ["untag", 1],
      ["user.42", 2],
    ] as const) {
      two.receive(text);
      await two.outgoing.next();
      expect((await here.count("user.42")).count).to.equal(count);
    }
    await one.stop();
    await two.stop();
    expect((await here.count("user.42")).count).to.equal(0);
  });

  it("disconnect their actors on every node with the code and reason", async () => {
    const [here, there] = await startCluster(2);
    const actors = [
      await here.spawn(Clerk, query("tag=user.42")),
      await there.spawn(Clerk, query("tag=user.42")),
    ];
    const other = await there.spawn(Clerk, query("tag=user.43"));
    expect(await here.disconnect("user.42", 4001, "Signed out")).to.deep.equal({ count: 2, missing: [] });
    for (const { done } of actors) {
      expect(await done).to.deep.equal({ code: 4001, reason: "Signed out", by: "runtime" });
    }
    expect(other.machine.getSnapshot().matches("joined")).to.equal(true);
  });

  it("close the WebSocket of an actor", async () => {
    const bus = new MemoryBus();
    const { runtime, url } = await serve({ layers: { chat: new MemoryLayer({ bus }) } });
    class Tagged extends WebSocketConsumer {
      override connect() {
        this.tag("user.42");
      }
    }
    runtime.route("/ws", Tagged);
    const client = await Client.open(`${url}/ws`);
    const [other] = await startCluster(1, {}, bus);
    await other.disconnect("user.42", 4001, "Signed out");
    expect(await client.closed).to.deep.equal({ code: 4001, reason: "Signed out" });
  });

  it("are refused if the name or the close code is invalid", async () => {
    const [here] = await startCluster(1);
    expect(await here.count("user 42").catch(codeOf)).to.equal("ERR_INVALID_NAME");
    expect(await here.disconnect("user.42", 1006).catch((error) => error)).to.be.instanceOf(CloseError);
    expect(await here.spawn(Clerk, query("tag=not+ok")).catch(codeOf)).to.equal("ERR_INVALID_NAME");
    expect(await here.count("__proto__")).to.deep.equal({ count: 0, missing: [] });
  });

  it("are not added to a stopping actor", async () => {
    class Late extends Clerk {
      override disconnect() {
        this.tag("user.42");
      }
    }
    const [here] = await startCluster(1);
    await (await here.spawn(Late)).stop();
    expect((await here.count("user.42")).count).to.equal(0);
    await until(() => here.size === 0);
  });
});

describe("A disconnect of a tag", () => {
  afterEach(() => Promise.all([stopCluster(), stopServing()]));

  const signedOut = { code: 4001, reason: "Signed out", by: "runtime" };

  /** Gets a tag with each frame. */
  class Slow extends WebSocketConsumer {
    override async receive(text: string) {
      this.tag(text);
    }
  }

  /** Gets its tag while `connect` runs, after `signIn`. */
  function signingIn() {
    const signIn = gate();
    const begun = gate();
    class SigningIn extends WebSocketConsumer {
      override async connect() {
        await this.accept();
        begun.open();
        await signIn.opened;
        this.tag("user.42");
      }
    }
    return { SigningIn, begun: begun.opened, signIn };
  }

  for (const place of ["the same node", "another node"]) {
    it(`closes a connection that gets the tag later in connect, on ${place}`, async () => {
      const { SigningIn, begun, signIn } = signingIn();
      const bus = new MemoryBus();
      const { runtime, url } = await serve({ layers: { chat: new MemoryLayer({ bus }) } });
      runtime.route("/ws", SigningIn);
      const other = opened(createRuntime({ layers: { chat: new MemoryLayer({ bus }) } }));
      await Promise.all([runtime.ready(), other.ready()]);
      await until(() => other.nodes.length === 2);
      const client = await Client.open(`${url}/ws`);
      await begun;
      const caller = place === "the same node" ? runtime : other;
      expect(await caller.disconnect("user.42", 4001, "Signed out")).to.deep.equal({ count: 0, missing: [] });
      signIn.open();
      expect(await client.closed).to.deep.equal({ code: 4001, reason: "Signed out" });
      await until(() => runtime.size === 0);
      expect(await caller.count("user.42")).to.deep.equal({ count: 0, missing: [] });
    });
  }

  it("closes a connection whose guard had begun before", async () => {
    const { SigningIn, signIn } = signingIn();
    const check = gate();
    const guarding = gate();
    const { runtime, url } = await serve({
      layers: {},
      guards: [
        async () => {
          guarding.open();
          await check.opened;
        },
      ],
    });
    runtime.route("/ws", SigningIn);
    const opening = Client.open(`${url}/ws`);
    await guarding.opened;
    expect((await runtime.disconnect("user.42", 4001, "Signed out")).count).to.equal(0);
    check.open();
    signIn.open();
    expect(await (await opening).closed).to.deep.equal({ code: 4001, reason: "Signed out" });
  });

  it("refuses with 503 a connection that gets the tag before it is accepted", async () => {
    const signIn = gate();
    const begun = gate();
    class Refused extends WebSocketConsumer {
      override async connect() {
        begun.open();
        await signIn.opened;
        this.tag("user.42");
        await this.accept();
      }
    }
    const { runtime, failures } = await serve({ layers: {} });
    const spawning = runtime.spawn(Refused).catch((error) => error);
    await begun.opened;
    await runtime.disconnect("user.42", 4001, "Signed out");
    signIn.open();
    expect(await spawning).to.include({ code: "ERR_REJECTED", status: 503, reason: "Signed out" });
    expect(failures).to.deep.equal([]);
  });

  it("closes the connection of a machine that gets the tag later", async () => {
    const machine = setup({
      types: { events: {} as FrameEvents<{ signIn: object }>, emitted: {} as Effect },
    }).createMachine({ on: { "frame.signIn": { actions: emit({ type: "tag", tag: "user.42" }) } } });
    const { runtime } = await serve({ layers: {} });
    const actor = await runtime.spawn(machineConsumer(machine));
    await runtime.disconnect("user.42", 4001, "Signed out");
    actor.receive('{"type":"signIn"}');
    expect(await actor.done).to.deep.equal(signedOut);
  });

  it("closes an actor that restores the tag from a snapshot, but not one that gets a tag after that", async () => {
    const machine = setup({
      types: { events: {} as FrameEvents<{ signIn: { as: string } }>, emitted: {} as Effect },
    }).createMachine({
      on: { "frame.signIn": { actions: emit(({ event }) => ({ type: "tag", tag: event.frame.as })) } },
    });
    const { runtime } = await serve({ layers: chat() });
    const Account = machineConsumer(machine);
    const first = await runtime.spawn(Account);
    first.receive('{"type":"signIn","as":"user.42"}');
    const snapshot = first.snapshot();
    await first.stop();
    await runtime.disconnect("user.7", 4001, "Signed out");
    const other = await runtime.spawn(Account, { snapshot });
    other.receive('{"type":"signIn","as":"user.7"}');
    expect(await runtime.count("user.7")).to.include({ count: 1 });
    await other.stop();
    await runtime.disconnect("user.42", 4001, "Signed out");
    expect(await runtime.spawn(Account, { snapshot }).catch(codeOf)).to.equal("ERR_CONNECTION_LOST");
    expect(await runtime.count("user.42")).to.include({ count: 0 });
  });

  it("closes the connections of its own node although the other nodes are out of reach", async () => {
    const layers = { chat: new RedisPubSubLayer({ url: "redis://127.0.0.1:1", prefix: "tags" }) };
    const runtime = opened(createRuntime({ layers, onError() {} }));
    const actors = [await runtime.spawn(Slow), await runtime.spawn(Slow)] as const;
    actors[0].receive("user.42");
    expect(await runtime.disconnect("user.42", 4001, "Signed out").catch(codeOf)).to.equal(
      "ERR_LAYER_UNAVAILABLE",
    );
    actors[1].receive("user.42");
    for (const { done } of actors) expect(await done).to.deep.equal(signedOut);
  });

  it("does not close a connection that began after it", async () => {
    const [here, there] = await startCluster(2);
    await here.disconnect("user.42", 4001, "Signed out");
    const actors = [await here.spawn(Slow), await there.spawn(Slow)];
    for (const actor of actors) actor.receive("user.42");
    expect(await here.count("user.42")).to.deep.equal({ count: 2, missing: [] });
    for (const { machine } of actors) expect(machine.getSnapshot().matches("joined")).to.equal(true);
  });

  it("closes connections that get the tag up to 10 s later", async () => {
    let time = 1_000_000;
    const clock = {
      now: () => time,
      setTimeout: (fn: () => void, ms: number) => setTimeout(fn, ms),
      clearTimeout: (id: unknown) => clearTimeout(id as NodeJS.Timeout),
    };
    const [here, there] = await startCluster(2, {
      clock,
      nodeHeartbeatMs: 60_000,
      connectTimeoutMs: 1_000,
    });
    const actors = [await there.spawn(Slow), await there.spawn(Slow)] as const;
    await here.disconnect("user.42", 4001, "Signed out");
    time += 10_000;
    actors[0].receive("user.42");
    expect(await actors[0].done).to.deep.equal(signedOut);
    time += 1;
    actors[1].receive("user.42");
    expect((await there.count("user.42")).count).to.equal(1);
  });

  it("closes connections that get the tag as late as connectTimeoutMs allows a sign-in to end", () => {
    let time = 0;
    const clock = { now: () => time, setTimeout() {}, clearTimeout() {} };
    const tags = new Tags(clock, new Counters(), 30_000);
    let closed = 0;
    const early = {
      beganAfter: tags.disconnects,
      shutDown() {
        closed += 1;
      },
    };
    tags.disconnect("user.42", 4001, "Signed out");
    const counts = [30_000, 1].map((ms) => {
      time += ms;
      tags.add("user.42", early);
      return [closed, tags.count("user.42")];
    });
    expect(counts).to.deep.equal([
      [1, 0],
      [1, 1],
    ]);
  });

  it("is remembered for at most 10,000 tags, and counted when it is forgotten", () => {
    const counters = new Counters();
    const clock = { now: () => 0, setTimeout() {}, clearTimeout() {} };
    const tags = new Tags(clock, counters, 1);
    const closed: number[] = [];
    const early = { beganAfter: tags.disconnects, shutDown: (code: number) => void closed.push(code) };
    for (let number = 0; number < 10_000; number += 1) tags.disconnect(`user.${number}`, 4001, "Signed out");
    // The second disconnect of a tag replaces the first one.
    tags.disconnect("user.0", 4002, "Signed out again");
    expect(counters.snapshot().dropped.forgotten).to.equal(0);
    tags.disconnect("user.10000", 4001, "Signed out");
    expect(counters.snapshot().dropped.forgotten).to.equal(1);
    const counts = ["user.0", "user.1", "user.2", "user.10000"].map((tag) => {
      tags.add(tag, early);
      return tags.count(tag);
    });
    expect(counts).to.deep.equal([0, 1, 0, 0]);
    expect(closed).to.deep.equal([4002, 4001, 4001]);
  });
});
