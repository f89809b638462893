import { expect } from "chai";
import { type Effect, MemoryBus, machineConsumer, WebSocketConsumer } from "greenroom";
import { emit, SimulatedClock, setup } from "xstate";
import { systemClock } from "../../../layers/clock.ts";
import { endedAtOnce, GracePeriods, maxAbsent } from "../../../runtime/presence/grace-periods.ts";
import { MemoryBudget } from "../../../runtime/presence/memory-share.ts";
import { Presence } from "../../../runtime/presence/presence.ts";
import { PresenceReplica } from "../../../runtime/presence/presence-replica.ts";
import { type ChatRuntime, codeOf, startCluster, stopCluster } from "../support/cluster.ts";
import { nodeHeartbeatMs, settle } from "../support/cut-layer.ts";
import { Doorkeeper, Visitor, visitor } from "../support/visitor.ts";

const graceMs = 10_000;

describe("The grace of a member", () => {
  let bus: MemoryBus;
  let clock: SimulatedClock;
  let here: ChatRuntime;
  let there: ChatRuntime;
  let told: string[];
  beforeEach(async () => {
    bus = new MemoryBus();
    clock = new SimulatedClock();
    const options = { clock, nodeHeartbeatMs };
    [here, there] = await startCluster(2, options, bus);
    told = [];
    for (const [node, runtime] of Object.entries({ here, there })) {
      const watcher = await runtime.spawn(Doorkeeper);
      void (async () => {
        for await (const text of watcher.outgoing) told.push(`${node} ${text}`);
      })();
    }
  });
  afterEach(stopCluster);

  const pass = async (ms: number) => {
    await settle(bus);
    for (let left = ms; left > 0; left -= nodeHeartbeatMs) {
      clock.increment(Math.min(left, nodeHeartbeatMs));
      await settle(bus);
    }
  };
  const come = async (runtime: ChatRuntime, status: string, grace = graceMs) => {
    const actor = await runtime.spawn(Visitor, visitor("ada", status, grace));
    await settle(bus);
    return actor;
  };
  const left = (status: string) => [`here -ada(${status})`, `there -ada(${status})`];

  for (const where of ["the same", "the other"]) {
    it(`hides an absence from all nodes if the member returns on ${where} node`, async () => {
      const actor = await come(here, "home");
      told.length = 0;
      await actor.stop();
      await pass(graceMs - 1);
      for (const { presence } of [here, there].map((runtime) => ({ presence: runtime.presence("lobby") }))) {
        expect([...presence]).to.deep.equal([["ada", [{ status: "home" }]]]);
      }
      const back = await come(where === "the same" ? here : there, "home");
      expect(told).to.deep.equal([]);
      await pass(2 * graceMs);
      expect(told).to.deep.equal([]);
      expect(here.presence("lobby").get("ada")).to.deep.equal([{ status: "home" }]);
      // The return with a new meta is a change.
      await back.stop();
      await settle(bus);
      await come(here, "away");
      expect(told.sort()).to.deep.equal(["here ~ada(away)", "there ~ada(away)"]);
    });
  }

  it("ends on all nodes if the member does not return", async () => {
    const actor = await come(here, "home");
    told.length = 0;
    await actor.stop();
    await pass(graceMs - 1);
    expect(told).to.deep.equal([]);
    await pass(1);
    expect(told.sort()).to.deep.equal(left("home"));
    expect([here.presenceCount("lobby"), there.presenceCount("lobby")]).to.deep.equal([0, 0]);
  });

  it("begins with the end of the last tab, even if two tabs on two nodes end together", async () => {
    const [one, two, three] = [await come(here, "a"), await come(there, "b"), await come(here, "c")];
    told.length = 0;
    await three.stop();
    await settle(bus);
    expect(told.sort()).to.deep.equal(["here ~ada(a,b)", "there ~ada(a,b)"]);
    told.length = 0;
    await Promise.all([one.stop(), two.stop()]);
    await pass(graceMs - 1);
    expect(told.join()).not.to.contain("-ada");
    await come(there, "d");
    expect(told.join()).not.to.match(/[+-]ada/);
    expect(here.presence("lobby").get("ada")).to.deep.equal([{ status: "d" }]);
  });

  it("does not delay untrack, nor a change of the key, nor the end of an actor without grace", async () => {
    const actor = await come(here, "home");
    told.length = 0;
    actor.receive("untrack");
    await settle(bus);
    expect(told.sort()).to.deep.equal(left("home"));
    const plain = await come(here, "plain", 0);
    told.length = 0;
    await plain.stop();
    await settle(bus);
    expect(told.sort()).to.deep.equal(left("plain"));
    class Renamed extends Visitor {
      override receive(text: string) {
        this.track("lobby", { status: text }, { key: "bea", graceMs });
      }
    }
    const renamed = await here.spawn(Renamed, visitor("ada", "home", graceMs));
    await settle(bus);
    told.length = 0;
    renamed.receive("new");
    await settle(bus);
    expect(told.sort()).to.deep.equal(["here +bea(new) -ada(home)", "there +bea(new) -ada(home)"]);
  });

  for (const how of ["disconnect", "a handler that the end interrupts"]) {
    it(`does not begin if the actor calls untrack in ${how}`, async () => {
      class Signed extends Visitor {
        override async receive(text: string) {
          if (text !== "out") return;
          await new Promise((resolve) => this.signal.addEventListener("abort", resolve));
          this.untrack("lobby");
        }
        override disconnect() {
          if (how === "disconnect") this.untrack("lobby");
        }
      }
      const actor = await here.spawn(Signed, visitor("ada", "home", graceMs));
      await settle(bus);
      if (how !== "disconnect") actor.receive("out");
      told.length = 0;
      await actor.stop();
      await settle(bus);
      expect(told.sort()).to.deep.equal(left("home"));
      expect(here.counters().dropped).to.include({ closing: 0, "dead-letter": 0 });
    });
  }

  for (const then of ["untrack", "a new key"]) {
    it(`ends on all nodes if the member returns, and then leaves in the same turn by ${then}`, async () => {
      class Hasty extends Visitor {
        override connect() {
          super.connect();
          if (then === "untrack") this.untrack("lobby");
          else this.track("lobby", { status: "new" }, { key: "bea" });
        }
      }
      await (await come(there, "home")).stop();
      await pass(1_000);
      told.length = 0;
      await here.spawn(Hasty, visitor("ada", "home", graceMs));
      await settle(bus);
      expect([here.presenceCount("lobby"), there.presenceCount("lobby")]).to.deep.equal(
        then === "untrack" ? [0, 0] : [1, 1],
      );
      for (const text of told) expect(text).to.contain("-ada(home)");
      expect(told).to.have.length(2);
    });
  }

  it("delays no other presence of the actor, and causes no diffs to the ended actor", async () => {
    class Slow extends Doorkeeper {
      override connect() {
        this.track("lobby", { status: "graced" }, { key: "ada", graceMs });
        this.track("hall", {}, { key: "ada" });
      }
      override async disconnect() {
        await new Promise<void>((resolve) => {
          goOn = resolve;
        });
      }
    }
    let goOn = () => {};
    const actor = await here.spawn(Slow);
    await settle(bus);
    const stopped = actor.stop();
    await settle(bus);
    expect([here.presenceCount("hall"), there.presenceCount("hall")]).to.deep.equal([0, 0]);
    // The actor does not get diffs any more, although its presence has not ended.
    await come(there, "other tab");
    expect(here.presence("lobby").get("ada")).to.have.length(2);
    goOn();
    await stopped;
    expect(here.presence("lobby").get("ada")).to.deep.equal([{ status: "other tab" }]);
    expect(here.counters().dropped).to.include({ closing: 0, "dead-letter": 0 });
  });

  it("runs on the other nodes when the node of the member closes, as in a rolling deploy", async () => {
    await come(there, "home");
    await there.spawn(Visitor, visitor("ben", "home", graceMs));
    await settle(bus);
    told.length = 0;
    await there.close({ drainMs: 0 });
    await pass(graceMs - 1_000);
    expect(here.nodes).to.deep.equal([here.node]);
    expect(told).to.deep.equal([]);
    await come(here, "home");
    await pass(1_000);
    expect(told).to.deep.equal(["here -ben(home)"]);
  });

  it("runs on the other nodes after the lease of a lost node", async () => {
    await come(there, "home");
    told.length = 0;
    there.layers.chat.groupSend = async () => {};
    await pass(5 * nodeHeartbeatMs);
    expect(here.nodes).to.deep.equal([here.node]);
    expect([told, here.presenceCount("lobby")]).to.deep.equal([[], 1]);
    await pass(graceMs);
    expect(told).to.deep.equal(["here -ada(home)"]);
  });

  it("is a part of a machine's track effect, and of its snapshot", async () => {
    const machine = setup({ types: { emitted: {} as Effect } }).createMachine({
      id: "present",
      entry: emit({ type: "track", group: "lobby", meta: { status: "machine" }, key: "ada", graceMs }),
    });
    const Present = machineConsumer(machine, { layer: "chat" });
    const actor = await here.spawn(Present);
    await settle(bus);
    const snapshot = actor.snapshot();
    expect(snapshot.presence).to.deep.equal([
      { group: "lobby", key: "ada", meta: { status: "machine" }, graceMs },
    ]);
    told.length = 0;
    await actor.stop();
    await pass(1_000);
    const restored = await there.spawn(Present, { snapshot });
    await settle(bus);
    await restored.stop();
    await pass(graceMs - 1);
    expect(told).to.deep.equal([]);
    await pass(1);
    expect(told.sort()).to.deep.equal(left("machine"));
  });

  it("is an integer of at most one hour", async () => {
    for (const grace of [-1, 0.5, 3_600_001, "5", null]) {
      class Odd extends WebSocketConsumer {
        override connect() {
          this.track("lobby", {}, { graceMs: grace as number });
        }
      }
      expect(await here.spawn(Odd).catch(codeOf)).to.equal("ERR_INVALID_OPTION");
    }
    expect(here.presenceCount("lobby")).to.equal(0);
  });

  it("runs if the message about the end was lost", () => {
    const entry = { ref: 1, group: "red", key: "ada", meta: {}, graceMs };
    const replica = new PresenceReplica(clock, new MemoryBudget(1_000_000));
    replica.apply({ version: 1, joins: [entry], leaves: [], ended: [] });
    const change = replica.restore({ version: 3, part: 0, parts: 1, entries: [] });
    expect(change).to.deep.equal({ joined: [], left: [], ended: [entry] });
  });

  it("runs for a limited number of members, and for one entry of each", () => {
    const ended: string[] = [];
    const periods = new GracePeriods(new SimulatedClock(), ({ key }) => ended.push(key));
    for (let index = 0; index <= maxAbsent; index += 1) {
      periods.add({ ref: index, group: "red", key: `key${index}`, meta: {}, graceMs });
    }
    expect(ended).to.deep.equal(Array.from({ length: endedAtOnce }, (_, index) => `key${index}`));
    for (let index = 1; index < endedAtOnce; index += 1) {
      periods.add({ ref: -index, group: "red", key: "more", meta: {}, graceMs });
    }
    expect(ended).to.have.length(endedAtOnce);
    const presence = new Presence({ broadcast() {}, request() {}, reply() {} }, clock);
    for (let index = 0; index < 100; index += 1) {
      const tracker = { presenceChanged() {} };
      presence.track(tracker, "red", "ada", index, graceMs);
      presence.end(tracker, "red");
    }
    expect(presence.list("red").get("ada")).to.deep.equal([99]);
  });

  it("keeps no process alive, and ends when the runtime closes", async () => {
    const timers = new Set<unknown>();
    const counting = {
      setTimeout(fn: () => void, ms: number) {
        const timer = systemClock.setTimeout(() => {
          timers.delete(timer);
          fn();
        }, ms);
        timers.add(timer);
        return timer;
      },
      clearTimeout(timer: unknown) {
        timers.delete(timer);
        systemClock.clearTimeout(timer);
      },
    };
    const [runtime] = await startCluster(1, { clock: counting });
    const guest = await runtime.spawn(Visitor, visitor("ada", "home", 3_599_999));
    const before = new Set(timers);
    await guest.stop();
    const added = [...timers].filter((timer) => !before.has(timer));
    expect(added.map((timer) => (timer as NodeJS.Timeout).hasRef())).to.deep.equal([false]);
    await runtime.close();
    expect(timers.size).to.equal(0);
  });
});
