import { expect } from "chai";
import { until } from "../until.ts";
import { listen, newKind, Owner, type StateSuite } from "./fixture.ts";

const leaseMs = 2_500;

export function describeMembers(suite: StateSuite): void {
  describe("members of a kind", () => {
    it("keeps the number of partitions of the first use", async () => {
      const kind = newKind();
      expect(await suite.one.partitions(kind, 64)).to.equal(64);
      expect(await suite.two.partitions(kind, 256)).to.equal(64);
      expect(await suite.one.partitions(newKind(), 256)).to.equal(256);
    });

    it("returns the nodes with their versions, but adds no node that only asks", async () => {
      const { one, two } = suite;
      const kind = newKind();
      await listenToMembers(kind);
      expect(await one.members(kind)).to.deep.equal({ members: [], versions: new Map() });
      await one.beat(kind, { node: "one", version: 1 }, leaseMs);
      const { members } = await two.beat(kind, { node: "two", version: 7 }, leaseMs);
      const expected = [
        { node: "one", version: 1 },
        { node: "two", version: 7 },
      ];
      expect(members).to.have.deep.members(expected);
      expect((await one.members(kind)).members).to.have.deep.members(expected);
      expect((await one.members(newKind())).members).to.deep.equal([]);
    });

    it("takes a new version of a member", async () => {
      const kind = newKind();
      await listenToMembers(kind);
      await suite.one.beat(kind, { node: "one", version: 1 }, leaseMs);
      const { members } = await suite.one.beat(kind, { node: "one", version: 2 }, leaseMs);
      expect(members).to.deep.equal([{ node: "one", version: 2 }]);
    });

    it("publishes `members` when a node joins or leaves", async () => {
      const { one, two } = suite;
      const kind = newKind();
      const payloads = await listen(one, { kind, topic: "members" });
      await listen(two, { kind, topic: "members" });
      await one.beat(kind, { node: "one", version: 1 }, leaseMs);
      await until(() => payloads.length === 1);
      await two.beat(kind, { node: "two", version: 1 }, leaseMs);
      await until(() => payloads.length === 2);
      await one.beat(kind, { node: "one", version: 1 }, leaseMs);
      await two.leave(kind, "two");
      await until(() => payloads.length === 3);
      expect(payloads).to.deep.equal(["", "", ""]);
      expect((await one.members(kind)).members).to.deep.equal([{ node: "one", version: 1 }]);
      await two.leave(kind, "two");
    });

    it("removes a node that no longer listens to `members`, at once", async () => {
      const { one, two } = suite;
      const kind = newKind();
      await listenToMembers(kind);
      await one.beat(kind, { node: "one", version: 1 }, leaseMs);
      await two.beat(kind, { node: "two", version: 1 }, leaseMs);
      await one.unsubscribe({ kind, topic: "members" });
      const { members } = await two.beat(kind, { node: "two", version: 1 }, leaseMs);
      expect(members).to.deep.equal([{ node: "two", version: 1 }]);
    });

    it("removes a node that has closed its connection", () =>
      suite.fresh(async ({ one, two }) => {
        const kind = newKind();
        for (const node of [one, two]) await listen(node, { kind, topic: "members" });
        await one.beat(kind, { node: "one", version: 1 }, leaseMs);
        const beat = () => two.beat(kind, { node: "two", version: 1 }, leaseMs);
        expect((await beat()).members).to.have.length(2);
        await one.close();
        await until(async () => (await beat()).members.length === 1);
      }));

    it("removes a node whose lease has ended, and not before", async () => {
      const { one, two } = suite;
      const kind = newKind();
      await listenToMembers(kind);
      const shortMs = 400;
      await one.beat(kind, { node: "one", version: 1 }, shortMs);
      const beat = () => two.beat(kind, { node: "two", version: 1 }, shortMs);
      expect((await beat()).members).to.have.length(2);
      await suite.advance(20);
      expect((await beat()).members).to.have.length(2);
      await until(async () => {
        await suite.advance(20);
        return (await beat()).members.length === 1;
      });
      expect((await one.beat(kind, { node: "one", version: 1 }, shortMs)).members).to.have.length(2);
    });

    it("ends no lease during a time in which no node has renewed one", async () => {
      const { one, two } = suite;
      const kind = newKind();
      await listenToMembers(kind);
      const shortMs = 200;
      await one.beat(kind, { node: "one", version: 1 }, shortMs);
      await two.beat(kind, { node: "two", version: 1 }, shortMs);
      await suite.advance(3 * shortMs);
      const { members } = await two.beat(kind, { node: "two", version: 1 }, shortMs);
      expect(members.map(({ node }) => node)).to.have.members(["one", "two"]);
    });

    it("tells the highest version that has owned each partition, except version 1", async () => {
      const { one } = suite;
      const kind = newKind();
      await listenToMembers(kind);
      for (const [index, version] of [
        [0, 1],
        [1, 2],
        [12, 3],
      ] as const) {
        await new Owner(one, { kind, index }).claim(version);
      }
      const versions = new Map([
        [1, 2],
        [12, 3],
      ]);
      expect((await one.members(kind)).versions).to.deep.equal(versions);
      expect((await one.beat(kind, { node: "one", version: 3 }, leaseMs)).versions).to.deep.equal(versions);
    });
  });

  async function listenToMembers(kind: string): Promise<void> {
    for (const node of [suite.one, suite.two]) await listen(node, { kind, topic: "members" });
  }
}
