import { expect } from "chai";
import { until } from "../until.ts";
import {
  bytes,
  commit,
  listen,
  message,
  newKind,
  newPartition,
  Owner,
  type StateSuite,
  shipment,
  text,
} from "./fixture.ts";

export function describeOwnership(suite: StateSuite): void {
  describe("owners of a partition", () => {
    it("gives a free partition to the first claim", async () => {
      const partition = newPartition();
      await listen(suite.one, { partition, topic: "wake" });
      expect(await new Owner(suite.one, partition, "one").claim()).to.deep.equal({ outcome: "mine" });
      expect(await new Owner(suite.two, partition, "two").claim()).to.deep.equal({
        outcome: "theirs",
        node: "one",
      });
      expect(await suite.two.describe(partition)).to.include({ owner: "one", version: 1 });
    });

    it("gives it once if a claim is repeated, and keeps the numbers of turns", async () => {
      const partition = newPartition();
      await listen(suite.one, { partition, topic: "wake" });
      const owner = await Owner.of(suite.one, partition);
      await owner.commit(commit("key", "a-1"));
      expect(await owner.claim()).to.deep.equal({ outcome: "mine" });
      const repeated = await owner.turn({ number: 1, commits: [commit("key", "a-2", { from: "a-1" })] });
      expect(repeated).to.include({ isOwner: true });
      expect((await suite.one.read(partition, "key")).state?.version).to.equal("a-1");
    });

    it("keeps partitions apart", async () => {
      const kind = newKind();
      const partitions = [
        { kind, index: 1 },
        { kind, index: 11 },
        { kind: newKind(), index: 1 },
      ];
      for (const partition of partitions) {
        await listen(suite.one, { partition, topic: "wake" });
        const owner = new Owner(suite.one, partition);
        expect(await owner.claim()).to.deep.equal({ outcome: "mine" });
        expect(await suite.one.keys(partition)).to.deep.equal([]);
        await owner.commit(commit("key", "a-1"));
      }
    });

    it("takes a partition to which no node listens", async () => {
      const partition = newPartition();
      await listen(suite.one, { partition, topic: "wake" });
      const former = await Owner.of(suite.one, partition, "one");
      const next = new Owner(suite.two, partition, "two");
      expect(await next.claim()).to.include({ outcome: "theirs" });
      await suite.one.unsubscribe({ partition, topic: "wake" });
      expect(await next.claim()).to.deep.equal({ outcome: "mine" });
      expect((await former.turn()).isOwner).to.equal(false);
    });

    it("takes a partition whose owner has closed its connection", () =>
      suite.fresh(async ({ one, two }) => {
        const partition = newPartition();
        await listen(one, { partition, topic: "wake" });
        await Owner.of(one, partition, "one");
        const next = new Owner(two, partition, "two");
        expect(await next.claim()).to.include({ outcome: "theirs" });
        await one.close();
        await until(async () => (await next.claim()).outcome === "mine");
      }));

    it("takes a partition whose owner is dead, and wakes the former owner", async () => {
      const partition = newPartition();
      const wakes = await listen(suite.one, { partition, topic: "wake" });
      const former = await Owner.of(suite.one, partition, "one");
      const next = new Owner(suite.two, partition, "two");
      expect(await next.claim(1, ["another"])).to.deep.equal({ outcome: "theirs", node: "one" });
      expect(await next.claim(1, ["another", "one"])).to.deep.equal({ outcome: "mine" });
      await until(() => wakes.length > 0);
      expect(wakes).to.deep.equal([""]);
      expect(await former.claim()).to.deep.equal({ outcome: "theirs", node: "two" });
    });

    it("lets a former owner write and read nothing", async () => {
      const { one, two } = suite;
      const partition = newPartition();
      await listen(one, { partition, topic: "wake" });
      const former = await Owner.of(one, partition, "one");
      await former.commit(commit("key", "a-1", { outbox: [bytes("kept")] }));
      await two.ship(partition, shipment([message(1, "key")]));
      await new Owner(two, partition, "two").claim(1, ["one"]);
      const before = await two.describe(partition);
      const { now, ...reply } = await former.turn({
        commits: [
          commit("key", "a-2", {
            from: "a-1",
            taken: 1,
            outbox: [bytes("late")],
            dead: [bytes("late")],
            deadline: 1,
            parked: bytes("late"),
          }),
          commit("new", "b-1"),
        ],
        takes: [{ key: "key", load: true }],
        relayed: 1,
        listWaiting: true,
        due: 10,
        outboxAfter: 0,
      });
      expect(now).to.be.a("number");
      expect(reply).to.deep.include({
        isOwner: false,
        conflicts: [],
        taken: [],
        waiting: [],
        due: [],
        outbox: [],
      });
      const after = await two.describe(partition);
      expect({ ...after, now: 0 }).to.deep.equal({ ...before, now: 0 });
      expect(after).to.include({ owner: "two", actors: 1, outbox: 1, deadLetters: 0, waiting: 1 });
      const stored = await two.read(partition, "key");
      expect(text(stored.state?.data)).to.equal("data of a-1");
      expect(stored).to.include({ mailbox: 1, parked: undefined, deadline: undefined });
    });

    it("frees a partition only with the token of its owner", async () => {
      const { one, two } = suite;
      const partition = newPartition();
      await listen(one, { partition, topic: "wake" });
      const owner = await Owner.of(one, partition, "one");
      const next = new Owner(two, partition, "two");
      await two.release(partition, next.token);
      expect(await next.claim()).to.include({ outcome: "theirs" });
      await one.release(partition, owner.token);
      expect((await one.describe(partition)).owner).to.equal(undefined);
      expect((await owner.turn()).isOwner).to.equal(false);
      expect(await next.claim()).to.deep.equal({ outcome: "mine" });
      await one.release(partition, owner.token);
      expect((await next.turn()).isOwner).to.equal(true);
    });

    it("numbers the turns of each owner anew", async () => {
      const { one, two } = suite;
      const partition = newPartition();
      const former = await Owner.of(one, partition);
      await former.turn({ number: 50 });
      await one.release(partition, former.token);
      const next = await Owner.of(two, partition);
      await next.commit(commit("key", "a-1"));
      expect((await two.read(partition, "key")).state?.version).to.equal("a-1");
    });

    it("refuses a version below one that has owned the partition", async () => {
      const { one, two } = suite;
      const partition = newPartition();
      const newer = new Owner(one, partition, "one");
      expect(await newer.claim(3)).to.deep.equal({ outcome: "mine" });
      await one.release(partition, newer.token);
      const older = new Owner(two, partition, "two");
      expect(await older.claim(2)).to.deep.equal({ outcome: "newer", version: 3 });
      expect((await two.describe(partition)).owner).to.equal(undefined);
      expect(await older.claim(3)).to.deep.equal({ outcome: "mine" });
      expect((await one.describe(partition)).version).to.equal(3);
    });
  });
}
