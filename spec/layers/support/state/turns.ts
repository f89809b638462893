import { expect } from "chai";
import { until } from "../until.ts";
import {
  bytes,
  commit,
  listen,
  message,
  newPartition,
  Owner,
  type StateSuite,
  shipment,
  text,
  texts,
} from "./fixture.ts";

export function describeTurns(suite: StateSuite): void {
  describe("turns", () => {
    it("stores a new snapshot only over the version that the commit names", async () => {
      const { one } = suite;
      const partition = newPartition();
      const owner = await Owner.of(one, partition);
      await one.ship(partition, shipment([message(1, "a")]));
      expect((await owner.commit(commit("a", "v-1"))).conflicts).to.deep.equal([]);
      const { conflicts } = await owner.commit(
        commit("a", "w-1", { taken: 1, outbox: [bytes("a")], dead: [bytes("a")], deadline: 1 }),
        commit("b", "w-1"),
        commit("a", "w-2", { from: "v-2", remove: true }),
        commit("c", "w-1", { from: "v-1" }),
        commit("a", "v-2", { from: "v-1" }),
      );
      expect(conflicts).to.deep.equal([
        { index: 0, version: "v-1" },
        { index: 2, version: "v-1" },
        { index: 3, version: undefined },
      ]);
      const stored = await one.read(partition, "a");
      expect(stored.state?.version).to.equal("v-2");
      expect(stored).to.include({ mailbox: 1, deadline: undefined });
      expect(await one.describe(partition)).to.include({ actors: 2, outbox: 0, deadLetters: 0 });
    });

    it("executes the commits of one actor in a turn in order", async () => {
      const partition = newPartition();
      const owner = await Owner.of(suite.one, partition);
      const { conflicts } = await owner.commit(
        commit("a", "v-1"),
        commit("a", "v-2", { from: "v-1" }),
        commit("a", "v-3", { from: "v-2" }),
      );
      expect(conflicts).to.deep.equal([]);
      expect((await suite.one.read(partition, "a")).state?.version).to.equal("v-3");
    });

    it("lets each commit of one actor remove the messages after those of the commit before", async () => {
      const partition = newPartition();
      const owner = await Owner.of(suite.one, partition);
      await suite.one.ship(partition, shipment([message(1, "a"), message(2, "a"), message(3, "a")]));
      const { taken } = await owner.turn({ takes: [{ key: "a", load: false }] });
      const [first = "", second = ""] = taken[0]?.messages.map(({ id }) => id) ?? [];
      const { conflicts } = await owner.commit(
        commit("a", "v-1", { taken: 1, lastTaken: first, deadline: 5 }),
        commit("a", "v-2", { from: "v-1", taken: 1, lastTaken: second, parked: bytes("") }),
        commit("a", "v-3", { from: "v-2", taken: 1, lastTaken: first }),
      );
      expect(conflicts).to.deep.equal([{ index: 2, version: "v-2" }]);
      expect(await owner.messages("a")).to.deep.equal(["3"]);
      const { parked, ...stored } = await suite.one.read(partition, "a");
      expect(stored).to.include({ mailbox: 1, deadline: undefined });
      expect(text(parked)).to.equal("");
    });

    it("keeps a snapshot that a commit does not change, and creates none", async () => {
      const { one } = suite;
      const partition = newPartition();
      const owner = await Owner.of(one, partition);
      await one.ship(partition, shipment([message(1, "a"), message(2, "b")]));
      await owner.commit(commit("a", "v-1", { deadline: 5 }));
      const { key, from, taken, outbox, dead } = commit("b", "", { taken: 1 });
      const { conflicts } = await owner.commit(
        { key: "a", from: "v-1", taken: 1, outbox, dead },
        { key, from, taken, outbox, dead },
      );
      expect(conflicts).to.deep.equal([]);
      const stored = await one.read(partition, "a");
      expect(stored.state?.version).to.equal("v-1");
      expect(stored).to.include({ mailbox: 0, deadline: undefined });
      expect(await one.read(partition, "b")).to.deep.include({ state: undefined, mailbox: 0 });
      expect(await one.keys(partition)).to.deep.equal(["a"]);
    });

    it("executes a repeated turn once, with the same conflicts and a new reply", async () => {
      const { one } = suite;
      const partition = newPartition();
      const owner = await Owner.of(one, partition);
      const messages = [message(1, "a"), message(2, "a")];
      await one.ship(partition, shipment(messages));
      await owner.commit(commit("b", "v-1", { outbox: [bytes("1"), bytes("2")] }));
      await owner.load("b");
      const turn = {
        number: 3,
        commits: [
          commit("a", "v-1", { taken: 1, outbox: [bytes("3")], dead: [bytes("dead")] }),
          commit("b", "v-2"),
          commit("c", "v-2", { from: "v-1" }),
        ],
        asleep: ["b"],
        takes: [{ key: "a", load: false }],
        relayed: 1,
        outboxAfter: 0,
      };
      const conflicts = [
        { index: 1, version: "v-1" },
        { index: 2, version: undefined },
      ];
      for (let time = 1; time <= 3; time += 1) {
        const reply = await owner.turn(turn);
        expect(reply.conflicts).to.deep.equal(conflicts);
        expect(
          texts(reply.taken.flatMap(({ messages }) => messages.map(({ payload }) => payload))),
        ).to.deep.equal(["2"]);
        expect(texts(reply.outbox.map(({ payload }) => payload))).to.deep.equal(["2", "3"]);
        expect(reply.outboxEnd).to.equal(3);
      }
      expect(await one.describe(partition)).to.include({ deadLetters: 1, outbox: 2 });
      expect(await owner.load("b")).to.equal(1);
    });

    it("does not relay or forget loads again if a turn is repeated", async () => {
      const partition = newPartition();
      const owner = await Owner.of(suite.one, partition);
      await owner.turn({ number: 1, asleep: ["a"], takes: [{ key: "a", load: true }] });
      const again = await owner.turn({ number: 1, asleep: ["a"], takes: [{ key: "a", load: true }] });
      expect(again.taken[0]?.loads).to.equal(1);
    });

    it("reads the snapshot of an actor only for a load", async () => {
      const partition = newPartition();
      const owner = await Owner.of(suite.one, partition);
      await owner.commit(commit("a", "v-1"));
      const { taken } = await owner.turn({
        takes: [
          { key: "a", load: false },
          { key: "a", load: true },
          { key: "none", load: true },
        ],
      });
      expect(taken[0]).to.deep.equal({
        key: "a",
        state: undefined,
        messages: [],
        hasMore: false,
        loads: 0,
        parked: undefined,
      });
      expect(taken[1]?.state?.version).to.equal("v-1");
      expect(text(taken[1]?.state?.data)).to.equal("data of v-1");
      expect(taken[2]).to.deep.include({ key: "none", state: undefined, loads: 1 });
    });

    it("shows a take the commits of the same turn", async () => {
      const partition = newPartition();
      const owner = await Owner.of(suite.one, partition);
      await suite.one.ship(partition, shipment([message(1, "a"), message(2, "a")]));
      const { taken, waiting } = await owner.turn({
        commits: [commit("a", "v-1", { taken: 1, parked: bytes("reason") })],
        takes: [{ key: "a", load: true }],
        listWaiting: true,
      });
      expect(taken[0]?.state?.version).to.equal("v-1");
      expect(text(taken[0]?.parked)).to.equal("reason");
      expect(texts(taken[0]?.messages.map(({ payload }) => payload) ?? [])).to.deep.equal(["2"]);
      expect(waiting).to.deep.equal(["a"]);
    });

    it("counts the loads of an actor until a commit, a clean end, or a release", async () => {
      const { one, two } = suite;
      const partition = newPartition();
      const owner = await Owner.of(one, partition);
      const loads = async (by: Owner, count: number) => {
        for (let load = 1; load <= count; load += 1) expect(await by.load("a")).to.equal(load);
      };
      await loads(owner, 3);
      await owner.commit(commit("a", "v-1"));
      await loads(owner, 2);
      await owner.commit({ key: "a", from: "other", taken: 0, outbox: [], dead: [] });
      expect(await owner.load("a")).to.equal(3);
      await owner.commit({ key: "a", from: "v-1", taken: 0, outbox: [], dead: [] });
      await loads(owner, 2);
      await owner.turn({ asleep: ["a"] });
      await loads(owner, 2);
      const next = await Owner.of(two, partition, "two");
      expect(await next.load("a")).to.equal(3);
      await two.release(partition, next.token);
      await loads(await Owner.of(one, partition), 2);
    });

    it("loads one actor at a time of those that may have ended the process", async () => {
      const { one, two } = suite;
      const partition = newPartition();
      const owner = await Owner.of(one, partition);
      await owner.turn({ takes: ["a", "b"].map((key) => ({ key, load: true })) });
      await one.ship(partition, shipment([message(1, "a"), message(2, "b"), message(3, "c")]));
      const next = await Owner.of(two, partition, "two");
      const takes = ["c", "b", "a"].map((key) => ({ key, load: true }));
      const { taken } = await next.turn({ takes });
      expect(taken.map(({ loads, messages }) => [loads, messages.length])).to.deep.equal([
        [1, 1],
        [2, 1],
        [0, 0],
      ]);
      expect(await next.load("a")).to.equal(2);
    });

    it("forgets the loads only of the actors that have ended", async () => {
      const owner = await Owner.of(suite.one, newPartition());
      await owner.load("a");
      await owner.load("b");
      await owner.turn({ asleep: ["a", "never loaded"] });
      expect(await owner.load("a")).to.equal(1);
      expect(await owner.load("b")).to.equal(2);
    });

    it("returns the due keys, the earliest first, and the next deadline", async () => {
      const owner = await Owner.of(suite.one, newPartition());
      const { now, nextDeadline } = await owner.turn({ due: 10 });
      expect(nextDeadline).to.equal(undefined);
      const set = async (deadlines: Record<string, number>) =>
        owner.commit(...Object.entries(deadlines).map(([key, deadline]) => commit(key, "v-1", { deadline })));
      await set({ c: now - 1, a: now - 3, later: now + 60_000, b: now - 2, last: now + 70_000 });
      const due = async (limit: number) => {
        const reply = await owner.turn({ due: limit });
        return [reply.due, reply.nextDeadline];
      };
      expect(await due(10)).to.deep.equal([["a", "b", "c"], now + 60_000]);
      expect(await due(2)).to.deep.equal([["a", "b"], now - 1]);
      expect(await due(0)).to.deep.equal([[], now - 3]);
      await owner.commit(commit("b", "v-2", { from: "v-1", deadline: now + 50_000 }));
      await owner.commit(commit("c", "v-2", { from: "v-1" }));
      expect(await due(10)).to.deep.equal([["a"], now + 50_000]);
    });

    it("lets a deadline pass on the clock of the store", async () => {
      const partition = newPartition();
      const owner = await Owner.of(suite.one, partition);
      const { now } = await owner.turn();
      // The process may pause after any step, so only a deadline far away has certainly not passed.
      const later = now + 3_600_000;
      const { due, nextDeadline } = await owner.turn({
        commits: [commit("a", "v-1", { deadline: later })],
        due: 1,
      });
      expect([due, nextDeadline]).to.deep.equal([[], later]);
      expect((await suite.two.read(partition, "a")).deadline).to.equal(later);
      expect((await suite.two.describe(partition)).nextDeadline).to.equal(later);
      const deadline = now + 100;
      await owner.commit(commit("a", "v-2", { from: "v-1", deadline }));
      await until(async () => {
        await suite.advance(20);
        const reply = await owner.turn({ due: 1 });
        expect(reply.due.length === 1).to.equal(reply.now >= deadline);
        return reply.due.length === 1;
      });
    });

    it("publishes the views of its commits to the watchers of these actors", async () => {
      const { one, two } = suite;
      const partition = newPartition();
      const owner = await Owner.of(one, partition);
      const views = await listen(two, { partition, topic: "view", key: "a" });
      const others = await listen(two, { partition, topic: "view", key: "b" });
      await owner.commit(
        commit("a", "v-1", { view: bytes("1") }),
        commit("b", "v-1", { from: "other", view: bytes("a conflict") }),
        commit("c", "v-1", { view: bytes("another actor") }),
        commit("a", "v-2", { from: "v-1", view: bytes("2") }),
        commit("a", "v-3", { from: "v-2" }),
      );
      await owner.commit(commit("a", "v-4", { from: "v-3", view: bytes("3") }));
      await until(() => views.length >= 3);
      expect(views).to.deep.equal(["1", "2", "3"]);
      await two.unsubscribe({ partition, topic: "view", key: "a" });
      await owner.commit(
        commit("a", "v-5", { from: "v-4", view: bytes("4") }),
        commit("b", "v-1", { view: bytes("5") }),
      );
      await until(() => others.length >= 1);
      expect(others).to.deep.equal(["5"]);
      expect(views).to.have.length(3);
    });

    it("publishes nothing again for a repeated turn", async () => {
      const { one, two } = suite;
      const partition = newPartition();
      const owner = await Owner.of(one, partition);
      const views = await listen(two, { partition, topic: "view", key: "a" });
      const turn = { number: 1, commits: [commit("a", "v-1", { view: bytes("1") })] };
      await owner.turn(turn);
      await owner.turn(turn);
      await owner.turn({ number: 2, commits: [commit("a", "v-2", { from: "v-1", view: bytes("2") })] });
      await until(() => views.includes("2"));
      expect(views).to.deep.equal(["1", "2"]);
    });
  });
}
