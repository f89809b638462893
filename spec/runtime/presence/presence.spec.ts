import { expect } from "chai";
import {
  createRuntime,
  type Effect,
  handlers,
  type Members,
  MemoryBus,
  MemoryLayer,
  type MessageEvents,
  machineConsumer,
  type PresenceDiff,
  WebSocketConsumer,
} from "greenroom";
import { emit, SimulatedClock, setup } from "xstate";
import { systemClock } from "../../../layers/clock.ts";
import { Presence } from "../../../runtime/presence/presence.ts";
import { until } from "../../layers/support/until.ts";
import { type ChatRuntime, codeOf, opened, query, startCluster, stopCluster } from "../support/cluster.ts";
import { settle } from "../support/cut-layer.ts";

interface Diffs {
  presence_diff: PresenceDiff;
}

/** Tracks itself in the lobby, and sends its client the diffs. */
class Guest extends WebSocketConsumer<{ messages: Diffs }> {
  static override readonly layer = "chat";
  static override readonly on = handlers<Guest>({
    presence_diff({ group, joins, leaves }) {
      const keys = (entries: typeof joins) => entries.map(({ key }) => key).join();
      this.send(`${group} +${keys(joins)} -${keys(leaves)}`);
    },
  });
  override connect() {
    const { query: given } = this.scope;
    this.track("lobby", { name: given.get("name") }, { key: given.get("key") ?? "guest" });
  }
  override receive(text: string) {
    if (text === "leave") this.untrack("lobby");
    else this.track("lobby", { name: text }, { key: text });
  }
}

/** Tracks itself in the lobby, and does not handle diffs. */
class Quiet extends WebSocketConsumer {
  override connect() {
    this.track("lobby");
  }
}

/** Watches the lobby, and sends its client the diffs. Echoes each command when it is done. */
class Watcher extends WebSocketConsumer<{ messages: Diffs }> {
  static override readonly layer = "chat";
  static override readonly on = Guest.on;
  override connect() {
    this.watch("lobby");
  }
  override receive(text: string) {
    if (text === "unwatch") this.unwatch("lobby");
    if (text === "watch") this.watch("lobby");
    if (text === "come") this.track("lobby", {}, { key: "watcher" });
    if (text === "go") this.untrack("lobby");
    this.send(text);
  }
}

const shown = (members: Members) => Object.fromEntries(members);
const guest = (key: string, name = key) => query(`key=${key}&name=${name}`);

async function present(runtime: ChatRuntime, keys: readonly string[]): Promise<void> {
  await until(() => [...runtime.presence("lobby").keys()].sort().join() === [...keys].sort().join());
}

/** Spawns a guest, and checks that stopped actors receive no diff: it would be counted as a drop. */
async function expectNoDiffToStoppedActors(runtime: ChatRuntime, key: string): Promise<void> {
  const { outgoing } = await runtime.spawn(Guest, guest(key));
  // All recipients of a diff receive it in the same turn.
  expect((await outgoing.next()).value).to.equal(`lobby +${key} -`);
  expect(runtime.counters().dropped).to.include({ "dead-letter": 0, closing: 0, unhandled: 0 });
}

describe("Presence in a cluster", () => {
  afterEach(stopCluster);

  it("lists the members by key on every node, each with its metas", async () => {
    const [here, there] = await startCluster(2);
    await here.spawn(Guest, guest("anne", "laptop"));
    await there.spawn(Guest, guest("anne", "phone"));
    const bert = await there.spawn(Guest, guest("bert"));
    for (const runtime of [here, there]) {
      await until(
        () => shown(runtime.presence("lobby")).anne?.length === 2 && runtime.presenceCount("lobby") === 2,
      );
      expect(
        runtime
          .presence<{ name: string }>("lobby")
          .get("anne")
          ?.map(({ name }) => name),
      ).to.have.members(["laptop", "phone"]);
      expect(shown(runtime.presence("lobby")).bert).to.deep.equal([{ name: "bert" }]);
      expect(shown(runtime.presence("elsewhere"))).to.deep.equal({});
    }
    await bert.stop();
    for (const runtime of [here, there]) await present(runtime, ["anne"]);
    expect(here.presenceCount("lobby")).to.equal(1);
  });

  it("is known to a node that joins later, and works on a node without layers", async () => {
    const bus = new MemoryBus();
    // So long that the late node cannot learn anything from a second heartbeat.
    const nodeHeartbeatMs = 60_000;
    const [here] = await startCluster(1, { nodeHeartbeatMs }, bus);
    await here.spawn(Guest, guest("anne"));
    const late = opened(createRuntime({ layers: { chat: new MemoryLayer({ bus }) }, nodeHeartbeatMs }));
    await late.ready();
    await present(late, ["anne"]);
    const alone = opened(createRuntime());
    const quiet = await alone.spawn(Quiet);
    expect(shown(alone.presence("lobby"))).to.deep.equal({ [quiet.channel]: [{}] });
  });

  it("sends diffs to the present actors on every node that handle them", async () => {
    const [here, there] = await startCluster(2);
    const anne = await here.spawn(Guest, guest("anne"));
    expect((await anne.outgoing.next()).value).to.equal("lobby +anne -");
    const quiet = await here.spawn(Quiet);
    expect((await anne.outgoing.next()).value).to.equal(`lobby +${quiet.channel} -`);
    const bert = await there.spawn(Guest, guest("bert"));
    expect((await anne.outgoing.next()).value).to.equal("lobby +bert -");
    expect((await bert.outgoing.next()).value).to.equal("lobby +bert -");
    bert.receive("bertie");
    for (const { outgoing } of [anne, bert])
      expect((await outgoing.next()).value).to.equal("lobby +bertie -bert");
    bert.receive("leave");
    expect((await anne.outgoing.next()).value).to.equal("lobby + -bertie");
    bert.receive("leave");
    await bert.stop();
    await quiet.stop();
    expect((await anne.outgoing.next()).value).to.equal(`lobby + -${quiet.channel}`);
    expect(here.counters().dropped.unhandled).to.equal(0);
  });

  it("sends diffs to watchers that are not present", async () => {
    const [here, there] = await startCluster(2);
    const watcher = await here.spawn(Watcher);
    const anne = await here.spawn(Guest, guest("anne"));
    expect((await watcher.outgoing.next()).value).to.equal("lobby +anne -");
    await there.spawn(Guest, guest("bert"));
    expect((await watcher.outgoing.next()).value).to.equal("lobby +bert -");
    await anne.stop();
    expect((await watcher.outgoing.next()).value).to.equal("lobby + -anne");
    for (const runtime of [here, there]) await present(runtime, ["bert"]);
  });

  it("sends one diff to an actor that is both present and a watcher", async () => {
    const [here] = await startCluster(1);
    const watcher = await here.spawn(Watcher);
    const next = async () => (await watcher.outgoing.next()).value;
    watcher.receive("watch");
    watcher.receive("come");
    expect([await next(), await next(), await next()]).to.deep.equal(["watch", "come", "lobby +watcher -"]);
    for (const name of ["anne", "bert"]) {
      await here.spawn(Guest, guest(name));
      expect(await next()).to.equal(`lobby +${name} -`);
    }
    watcher.receive("go");
    expect([await next(), await next()]).to.deep.equal(["go", "lobby + -watcher"]);
  });

  it("sends no diffs to an actor that has stopped watching or has stopped", async () => {
    const [here] = await startCluster(1);
    const watcher = await here.spawn(Watcher);
    const other = await here.spawn(Watcher);
    watcher.receive("unwatch");
    watcher.receive("unwatch");
    for (const text of ["unwatch", "unwatch"]) expect((await watcher.outgoing.next()).value).to.equal(text);
    await here.spawn(Guest, guest("anne"));
    expect((await other.outgoing.next()).value).to.equal("lobby +anne -");
    watcher.receive("end");
    expect((await watcher.outgoing.next()).value).to.equal("end");
    await other.stop();
    await expectNoDiffToStoppedActors(here, "bert");
    watcher.receive("end");
    expect((await watcher.outgoing.next()).value).to.equal("end");
  });

  it("refuses to watch an invalid group, and ignores a watch by a stopping actor", async () => {
    const [here] = await startCluster(1);
    class Odd extends WebSocketConsumer {
      override connect() {
        this.watch("not ok");
      }
    }
    class Leaving extends Watcher {
      override disconnect() {
        this.watch("lobby");
      }
    }
    expect(await here.spawn(Odd).catch(codeOf)).to.equal("ERR_INVALID_NAME");
    await (await here.spawn(Leaving)).stop();
    await expectNoDiffToStoppedActors(here, "anne");
  });

  it("sends diffs to a present machine", async () => {
    const counter = setup({
      types: { events: {} as MessageEvents<Diffs>, emitted: {} as Effect },
    }).createMachine({
      entry: [emit({ type: "track", group: "lobby", key: "machine" }), emit({ type: "tag", tag: "user.42" })],
      on: {
        "message.presence_diff": {
          actions: emit(({ event }) => ({ type: "send" as const, frame: event.message.joins[0]?.key ?? "" })),
        },
      },
    });
    const [here] = await startCluster(1);
    const actor = await here.spawn(machineConsumer(counter, { layer: "chat" }));
    expect((await actor.outgoing.next()).value).to.equal("machine");
    expect((await here.count("user.42")).count).to.equal(1);
  });

  it("sends diffs to a machine that watches, until it unwatches", async () => {
    const watcher = setup({
      types: { events: {} as MessageEvents<Diffs> | { type: "frame.enough" }, emitted: {} as Effect },
    }).createMachine({
      entry: emit({ type: "watch", group: "lobby" }),
      on: {
        "message.presence_diff": {
          actions: emit(({ event }) => ({ type: "send" as const, frame: event.message.joins[0]?.key ?? "" })),
        },
        "frame.enough": {
          actions: [emit({ type: "unwatch", group: "lobby" }), emit({ type: "send", frame: "enough" })],
        },
      },
    });
    const [here] = await startCluster(1);
    const actor = await here.spawn(machineConsumer(watcher, { layer: "chat" }));
    await here.spawn(Guest, guest("anne"));
    expect((await actor.outgoing.next()).value).to.equal("anne");
    expect([...here.presence("lobby").keys()]).to.deep.equal(["anne"]);
    actor.receive('{"type":"enough"}');
    expect((await actor.outgoing.next()).value).to.equal("enough");
    await expectNoDiffToStoppedActors(here, "bert");
    actor.receive('{"type":"enough"}');
    expect((await actor.outgoing.next()).value).to.equal("enough");
  });

  it("removes the members of a node that leaves", async () => {
    const [here, there] = await startCluster(2);
    const anne = await here.spawn(Guest, guest("anne"));
    await there.spawn(Guest, guest("bert"));
    await present(here, ["anne", "bert"]);
    await anne.outgoing.next();
    await anne.outgoing.next();
    await there.close({ drainMs: 10 });
    expect((await anne.outgoing.next()).value).to.equal("lobby + -bert");
    await present(here, ["anne"]);
  });

  it("removes the members of a silent node within its lease, and restores them when it is back", async () => {
    class CutLayer extends MemoryLayer {
      isCut = false;
      override async groupSend(...args: Parameters<MemoryLayer["groupSend"]>): Promise<void> {
        if (!this.isCut) await super.groupSend(...args);
      }
    }
    const clock = new SimulatedClock();
    const bus = new MemoryBus();
    const [here] = await startCluster(1, { clock, nodeHeartbeatMs: 1_000 }, bus);
    const chat = new CutLayer({ bus });
    const cut = opened(createRuntime({ layers: { chat }, clock, nodeHeartbeatMs: 1_000 }));
    await cut.ready();
    const anne = await here.spawn(Guest, guest("anne"));
    const bert = await cut.spawn(Guest, guest("bert"));
    await present(here, ["anne", "bert"]);
    expect([(await anne.outgoing.next()).value, (await anne.outgoing.next()).value]).to.deep.equal([
      "lobby +anne -",
      "lobby +bert -",
    ]);
    chat.isCut = true;
    bert.receive("bertie");
    // In steps of one heartbeat, because a longer jump looks like a blocked event loop.
    for (let count = 0; count < 5; count += 1) {
      clock.increment(1_000);
      await settle(bus);
    }
    await present(here, ["anne"]);
    expect((await anne.outgoing.next()).value).to.equal("lobby + -bert");
    chat.isCut = false;
    clock.increment(1_000);
    await present(here, ["anne", "bertie"]);
    expect((await anne.outgoing.next()).value).to.equal("lobby +bertie -");
  });

  it("sends a large state in parts", async () => {
    class Crowd extends WebSocketConsumer {
      override connect() {
        for (let number = 0; number < 40; number += 1) this.track(`room${number}`, "x".repeat(20_000));
      }
    }
    const bus = new MemoryBus();
    const [here, there] = await startCluster(2, {}, bus);
    await here.spawn(Crowd);
    await until(() => there.presenceCount("room39") === 1);
    const late = opened(createRuntime({ layers: { chat: new MemoryLayer({ bus }) } }));
    await late.ready();
    await until(() =>
      Array.from({ length: 40 }, (_, number) => late.presenceCount(`room${number}`)).every((n) => n === 1),
    );
  });

  it("refuses an invalid group, key or meta", async () => {
    const [here] = await startCluster(1);
    const refusal = async (group: string, meta: unknown, key: string) => {
      class Odd extends WebSocketConsumer {
        override connect() {
          this.track(group, meta, { key });
        }
      }
      return here.spawn(Odd).then(
        () => "taken",
        (error) => codeOf(error) ?? error.name,
      );
    };
    expect(await refusal("not ok", {}, "a")).to.equal("ERR_INVALID_NAME");
    expect(await refusal("ok", new Map(), "a")).to.equal("ERR_INVALID_MESSAGE");
    expect(await refusal("ok", "x".repeat(70_000), "a")).to.equal("ERR_INVALID_MESSAGE");
    expect(await refusal("ok", {}, "")).to.equal("ERR_INVALID_OPTION");
    expect(await refusal("ok", {}, "x".repeat(257))).to.equal("ERR_INVALID_OPTION");
    expect(here.presenceCount("ok")).to.equal(0);
    expect(await refusal("ok", {}, "__proto__")).to.equal("taken");
    expect([...here.presence("ok").keys()]).to.deep.equal(["__proto__"]);
  });

  it("ignores unknown nodes, and drops malformed messages of known nodes", async () => {
    const bus = new MemoryBus();
    const [here, there] = await startCluster(2, {}, bus);
    await there.spawn(Guest, guest("bert"));
    await present(here, ["bert"]);
    const stranger = opened(new MemoryLayer({ bus }));
    const entry = { ref: 1, group: "lobby", key: "ghost", meta: {}, graceMs: 0 };
    const [own] = [...there.layers.chat.local.membersOf("greenroom.nodes")];
    const forged = [
      { type: "greenroom.presence", from: "ghost!1", version: 1, joins: [entry], leaves: [], ended: [] },
      {
        type: "greenroom.presence",
        from: `${there.node}!zz`,
        version: 2,
        joins: [entry],
        leaves: [],
        ended: [],
      },
      {
        type: "greenroom.presence",
        from: own?.channel,
        version: 2,
        joins: [{ ...entry, group: "" }],
        leaves: [],
        ended: [],
      },
      ...[0.5, -1, 3_600_001, undefined].map((graceMs) => ({
        type: "greenroom.presence",
        from: own?.channel,
        version: 2,
        joins: [{ ...entry, graceMs }],
        leaves: [],
        ended: [],
      })),
      { type: "greenroom.presence", from: own?.channel, version: 2, joins: [], leaves: ["1"], ended: [] },
      { type: "greenroom.presence", from: own?.channel, version: 2, joins: [], leaves: [], ended: ["1"] },
      { type: "greenroom.state", from: own?.channel, version: 2, part: 1, parts: 1, entries: [] },
      { type: "greenroom.state", from: own?.channel, version: 2, part: 0, parts: 2 ** 40, entries: [] },
    ];
    for (const message of forged) await stranger.groupSend("greenroom.nodes", message as never);
    await until(() => here.counters().dropped.garbage === 9);
    expect(shown(here.presence("lobby"))).to.deep.equal({ bert: [{ name: "bert" }] });
  });

  describe("#watch", () => {
    const start = () => {
      const sent: unknown[] = [];
      const send = (...args: unknown[]) => sent.push(args);
      const presence = new Presence({ broadcast: send, request: send, reply: send }, systemClock);
      return { presence, sent, trackers: [{ presenceChanged() {} }, { presenceChanged() {} }] as const };
    };

    it("broadcasts nothing, and forgets a group after its last watcher", () => {
      const { presence, sent, trackers } = start();
      for (const tracker of [...trackers, ...trackers]) presence.watch(tracker, "lobby");
      presence.flush();
      expect([presence.watched, presence.version, sent]).to.deep.equal([1, 0, []]);
      for (const [tracker, watched] of [
        [trackers[0], 1],
        [trackers[0], 1],
        [trackers[1], 0],
      ] as const) {
        presence.unwatch(tracker, "lobby");
        expect(presence.watched).to.equal(watched);
      }
    });

    it("refuses an invalid group, and keeps nothing of it", () => {
      const { presence, trackers } = start();
      expect(() => presence.watch(trackers[0], "not ok"))
        .to.throw()
        .with.property("code", "ERR_INVALID_NAME");
      expect(presence.watched).to.equal(0);
    });
  });
});
