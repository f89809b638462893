import { expect } from "chai";
import { type Effect, MemoryBus, type MessageEvents, machineConsumer, type PresenceDiff } from "greenroom";
import { emit, SimulatedClock, setup } from "xstate";
import type { Message } from "../../../layers/message.ts";
import { Presence } from "../../../runtime/presence/presence.ts";
import { type ChatRuntime, startCluster, stopCluster } from "../support/cluster.ts";
import { settle } from "../support/cut-layer.ts";
import { Doorkeeper, Visitor, visitor } from "../support/visitor.ts";

describe("A presence diff", () => {
  let bus: MemoryBus;
  let here: ChatRuntime;
  let there: ChatRuntime;
  beforeEach(async () => {
    bus = new MemoryBus();
    [here, there] = await startCluster(2, {}, bus);
  });
  afterEach(stopCluster);

  /** Watches on both nodes, and returns a function that returns the diffs since its last call. */
  async function watch() {
    const watchers = await Promise.all([here, there].map((runtime) => runtime.spawn(Doorkeeper)));
    return async () => {
      await settle(bus);
      return Promise.all(
        watchers.map(async (watcher) => {
          watcher.receive("end");
          const texts: unknown[] = [];
          for (;;) {
            const { value } = await watcher.outgoing.next();
            if (value === "end") return texts.join(" | ");
            texts.push(value);
          }
        }),
      );
    };
  }

  it("tells joins, changes and leaves apart for a member with two tabs on two nodes", async () => {
    const told = await watch();
    const one = await here.spawn(Visitor, visitor("ada", "home"));
    expect(await told()).to.deep.equal(["+ada(home)", "+ada(home)"]);
    const two = await there.spawn(Visitor, visitor("ada", "away"));
    const [atHome, away] = await told();
    expect([atHome, away]).to.deep.equal(["~ada(home,away)", "~ada(home,away)"]);
    two.receive("typing");
    expect(await told()).to.deep.equal(["~ada(home,typing)", "~ada(home,typing)"]);
    await one.stop();
    expect(await told()).to.deep.equal(["~ada(typing)", "~ada(typing)"]);
    two.receive("typing");
    expect(await told()).to.deep.equal(["", ""]);
    two.receive("untrack");
    expect(await told()).to.deep.equal(["-ada(typing)", "-ada(typing)"]);
  });

  it("contains only the net changes of a turn", async () => {
    class Hasty extends Visitor {
      override receive(texts: string) {
        for (const text of texts.split(",")) super.receive(text);
      }
    }
    const told = await watch();
    const ada = await here.spawn(Hasty, visitor("ada", "home"));
    await told();
    const turns: Readonly<Record<string, string>> = {
      "away,home": "",
      "untrack,home": "",
      "untrack,away": "~ada(away)",
      "home,untrack": "-ada(away)",
      "home,untrack,": "+ada()",
    };
    for (const [texts, diff] of Object.entries(turns)) {
      ada.receive(texts);
      expect(await told()).to.deep.equal([diff, diff]);
    }
  });

  it("keeps a member that changes tabs while a node leaves", async () => {
    const told = await watch();
    await here.spawn(Visitor, visitor("ada", "home"));
    await there.spawn(Visitor, visitor("ada", "away"));
    await there.spawn(Visitor, visitor("ben", "away"));
    await told();
    const watcher = await here.spawn(Doorkeeper);
    await there.close({ drainMs: 10 });
    await settle(bus);
    const diffs = [(await watcher.outgoing.next()).value];
    watcher.receive("end");
    for (let text: unknown; text !== "end"; diffs.push(text as string))
      text = (await watcher.outgoing.next()).value;
    const all = diffs.join(" ");
    expect(all).to.contain("-ben(away)").and.to.contain("~ada(home)");
    expect(all).not.to.contain("-ada");
  });

  it("reaches machines, and is frozen", async () => {
    const watcher = setup({
      types: { events: {} as MessageEvents<{ presence_diff: PresenceDiff }>, emitted: {} as Effect },
    }).createMachine({
      entry: emit({ type: "watch", group: "lobby" }),
      on: {
        "message.presence_diff": {
          actions: emit(({ event: { message } }) => {
            const lists = [message.joins, message.leaves, message.changes];
            const parts = [message, ...lists, ...lists.flat(), ...lists.flat().map(({ metas }) => metas)];
            const frozen = parts.every((part) => Object.isFrozen(part));
            return { type: "send" as const, frame: `${lists.map((list) => list.length)} ${frozen}` };
          }),
        },
      },
    });
    const actor = await here.spawn(machineConsumer(watcher, { layer: "chat" }));
    const one = await here.spawn(Visitor, visitor("ada", "home"));
    expect((await actor.outgoing.next()).value).to.equal("1,0,0 true");
    one.receive("away");
    expect((await actor.outgoing.next()).value).to.equal("0,0,1 true");
    await one.stop();
    expect((await actor.outgoing.next()).value).to.equal("0,1,0 true");
  });

  it("is caused by the last of several metas of a turn: only this one is sent to other nodes", () => {
    const sent: unknown[] = [];
    const transport = { broadcast: (diff: object) => sent.push(diff), request() {}, reply() {} };
    const presence = new Presence(transport, new SimulatedClock());
    const tracker = { presenceChanged() {} };
    for (const meta of ["a", "b", "c"]) presence.track(tracker, "red", "ada", meta);
    presence.flush();
    const entry = { ref: 3, group: "red", key: "ada", meta: "c", graceMs: 0 };
    expect(sent).to.deep.equal([{ version: 1, joins: [entry], leaves: [1, 2], ended: [] }]);
  });

  it("contains changes only, even if the new metas need several messages between nodes", () => {
    const clock = new SimulatedClock();
    const told: Message[] = [];
    const watcher = { presenceChanged: (diff: Message) => void told.push(diff) };
    const other = new Presence({ broadcast() {}, request() {}, reply() {} }, clock);
    let messages = 0;
    const own = new Presence(
      {
        broadcast(diff) {
          messages += 1;
          other.applyDiff("own", diff);
        },
        request() {},
        reply() {},
      },
      clock,
    );
    const trackers = Array.from({ length: 40 }, () => ({ presenceChanged() {} }));
    const trackAll = (letter: string) => {
      for (const [index, tracker] of trackers.entries())
        own.track(tracker, "red", `key${index}`, letter.repeat(60_000));
      own.flush();
    };
    trackAll("a");
    other.watch(watcher, "red");
    messages = 0;
    trackAll("b");
    expect(messages).to.be.above(1);
    expect(told.flatMap(({ joins, leaves }) => [joins, leaves]).flat()).to.deep.equal([]);
    expect(other.list("red").get("key39")).to.deep.equal(["b".repeat(60_000)]);
  });
});
