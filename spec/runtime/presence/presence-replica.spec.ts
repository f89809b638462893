import { expect } from "chai";
import { SimulatedClock } from "xstate";
import { otherNodes } from "../../../runtime/limits/other-nodes.ts";
import { memoryOfEntry } from "../../../runtime/presence/entry.ts";
import { MemoryBudget } from "../../../runtime/presence/memory-share.ts";
import { Presence } from "../../../runtime/presence/presence.ts";
import { PresenceReplica } from "../../../runtime/presence/presence-replica.ts";
import { nextTurn } from "../../support/next-turn.ts";

const entry = (ref: number) => ({ ref, group: "red", key: `key${ref}`, meta: {}, graceMs: 0 });
const oneEntry = memoryOfEntry(entry(1));
const refs = (replica: PresenceReplica) => [...replica.entries].map(({ ref }) => ref);
const none = { leaves: [], ended: [] };

describe("The memory of a copy of another node's presence", () => {
  let clock: SimulatedClock;
  let budget: MemoryBudget;
  let replica: PresenceReplica;
  beforeEach(() => {
    clock = new SimulatedClock();
    budget = new MemoryBudget(3.5 * oneEntry);
    replica = new PresenceReplica(clock, budget, { ...otherNodes, freePresenceBytes: 0 });
  });

  it("leaves out entries without room, and gets them in a new copy a minute later", () => {
    const other = new PresenceReplica(clock, budget, { ...otherNodes, freePresenceBytes: 0 });
    other.apply({ version: 1, joins: [entry(1), entry(2)], ...none });
    replica.apply({ version: 1, joins: [entry(1), entry(2)], ...none });
    expect([refs(replica), replica.takeExcess(), replica.takeExcess()]).to.deep.equal([[1], true, false]);
    expect([replica.isBehind, replica.isTimeToRetry()]).to.deep.equal([false, false]);
    other.clear();
    clock.increment(60_000);
    expect([replica.isTimeToRetry(), replica.isTimeToRetry()]).to.deep.equal([true, false]);
    const state = { version: 1, part: 0, parts: 1, entries: [entry(1), entry(2)] };
    expect(replica.restore(state).joined).to.deep.equal([entry(2)]);
    expect(replica.restore({ ...state, entries: [] }).ended).to.deep.equal([]);
    clock.increment(60_000);
    expect(replica.isTimeToRetry()).to.equal(false);
  });

  it("is guaranteed to a small extent, although other nodes have taken all memory", () => {
    const full = new MemoryBudget(0);
    const small = new PresenceReplica(clock, full);
    const joins = Array.from({ length: 1_000 }, (_, ref) => entry(ref));
    small.apply({ version: 1, joins, ...none });
    expect(refs(small)).to.have.length.within(110, 123);
    small.clear();
    expect(full.used).to.equal(0);
  });

  it("is returned when entries leave, when the node leaves, and when the copy is complete", () => {
    replica.apply({ version: 1, joins: [entry(1), entry(2)], ...none });
    replica.apply({ version: 2, joins: [], leaves: [1], ended: [2] });
    expect(budget.used).to.equal(0);
    replica.apply({ version: 4, joins: [entry(4)], ...none });
    expect(budget.used).to.be.greaterThan(oneEntry);
    replica.apply({ version: 3, joins: [], ...none });
    expect(budget.used).to.equal(oneEntry);
    replica.restore({ version: 9, part: 0, parts: 2, entries: [entry(4)] });
    replica.restore({ version: 9, part: 0, parts: 2, entries: [entry(4)] });
    expect(budget.used).to.be.within(2 * oneEntry, 2.2 * oneEntry);
    replica.restore({ version: 9, part: 1, parts: 2, entries: [] });
    expect(budget.used).to.equal(oneEntry);
    replica.clear();
    expect(budget.used).to.equal(0);
  });

  it("is not kept for a copy that is incomplete after a minute, nor for diffs without room", () => {
    replica.restore({ version: 9, part: 0, parts: 2, entries: [entry(1)] });
    clock.increment(60_000);
    replica.noteVersion(9);
    expect(budget.used).to.be.greaterThan(0);
    clock.increment(1);
    replica.noteVersion(9);
    expect(budget.used).to.equal(0);
    replica.apply({ version: 10, joins: [1, 2, 3, 4].map(entry), ...none });
    expect([budget.used, replica.takeExcess(), replica.isBehind]).to.deep.equal([0, true, true]);
    // A diff that does not have to wait needs no memory.
    replica.apply({ version: 1, joins: [1, 2, 3].map(entry), ...none });
    expect(refs(replica)).to.deep.equal([1, 2, 3]);
    replica.apply({ version: 2, joins: [], leaves: [1, 2], ended: [] });
    expect(refs(replica)).to.deep.equal([3]);
  });

  it("is filled and released in several turns, in the order of the messages", async () => {
    const presence = new Presence({ broadcast() {}, request() {}, reply() {} }, clock);
    const joins = Array.from({ length: 5_000 }, (_, ref) => entry(ref));
    presence.applyDiff("other", { version: 1, joins, ...none });
    presence.applyDiff("other", { version: 2, joins: [], leaves: [0], ended: [] });
    const counts = [presence.count("red")];
    while (presence.count("red") !== 4_999) {
      await nextTurn();
      counts.push(presence.count("red"));
    }
    expect(counts).to.deep.equal([2_000, 4_000, 4_999]);
    presence.nodeLeft("other");
    expect(presence.count("red")).to.equal(2_999);
    while (presence.count("red") > 0) await nextTurn();
  });
});
