import { expect } from "chai";
import { bytes, commit, newPartition, Owner, type StateSuite, text, texts } from "./fixture.ts";

export function describeOutboxes(suite: StateSuite): void {
  describe("outboxes and dead letters", () => {
    it("numbers the entries of a partition in order, and never uses a number again", async () => {
      const { one, two } = suite;
      const partition = newPartition();
      const owner = await Owner.of(one, partition);
      const empty = await owner.turn({ outboxAfter: 0 });
      expect(empty).to.deep.include({ outbox: [], outboxEnd: 0 });
      const { outboxEnd } = await owner.commit(
        commit("a", "v-1", { outbox: [bytes("1"), bytes("2")] }),
        commit("b", "v-1", { outbox: [bytes("3")] }),
      );
      expect(outboxEnd).to.equal(3);
      expect(await outbox(owner, 0)).to.deep.equal({ 1: "1", 2: "2", 3: "3" });
      expect(await outbox(owner, 2)).to.deep.equal({ 3: "3" });
      expect(await outbox(owner, 3)).to.deep.equal({});
      expect((await owner.turn({ relayed: 2 })).outbox).to.deep.equal([]);
      expect(await outbox(owner, 0)).to.deep.equal({ 3: "3" });
      await owner.turn({ relayed: 3 });
      expect(await outbox(owner, 0)).to.deep.equal({});
      const later = await owner.commit(commit("c", "v-1", { outbox: [bytes("4")] }));
      expect(later.outboxEnd).to.equal(4);
      await one.release(partition, owner.token);
      const next = await Owner.of(two, partition);
      expect(await outbox(next, 3)).to.deep.equal({ 4: "4" });
    });

    it("removes relayed entries and adds new ones in one turn", async () => {
      const owner = await Owner.of(suite.one, newPartition());
      await owner.commit(commit("a", "v-1", { outbox: [bytes("1"), bytes("2")] }));
      const { outbox: entries } = await owner.turn({
        commits: [commit("a", "v-2", { from: "v-1", outbox: [bytes("3")] })],
        relayed: 1,
        outboxAfter: 1,
      });
      expect(entries.map(({ number }) => number)).to.deep.equal([2, 3]);
    });

    it("returns at most 256 entries", async () => {
      const owner = await Owner.of(suite.one, newPartition());
      const payloads = Array.from({ length: 600 }, (_, index) => bytes(`${index + 1}`));
      await owner.commit(commit("a", "v-1", { outbox: payloads }));
      const numbers = Object.keys(await outbox(owner, 100)).map(Number);
      expect(numbers).to.have.length(256);
      expect([numbers[0], numbers.at(-1)]).to.deep.equal([101, 356]);
      expect(Object.keys(await outbox(owner, 500))).to.have.length(100);
    });

    it("returns at most 1 MiB of entries, but at least one", async () => {
      const owner = await Owner.of(suite.one, newPartition());
      const half = new Uint8Array(512 * 1024);
      const large = new Uint8Array(1024 * 1024 + 1);
      await owner.commit(commit("a", "v-1", { outbox: [half, half, bytes("x"), large, bytes("y")] }));
      const numbersAfter = async (after: number) => Object.keys(await outbox(owner, after));
      expect(await numbersAfter(0)).to.deep.equal(["1", "2"]);
      expect(await numbersAfter(2)).to.deep.equal(["3"]);
      expect(await numbersAfter(3)).to.deep.equal(["4"]);
      expect(await numbersAfter(4)).to.deep.equal(["5"]);
    });

    it("keeps the newest 1,000 dead letters, the oldest first", async () => {
      const { one, two } = suite;
      const partition = newPartition();
      const owner = await Owner.of(one, partition);
      expect(await two.deadLetters(partition)).to.deep.equal([]);
      const letters = Array.from({ length: 1_003 }, (_, index) => bytes(`${index + 1}`));
      await owner.commit(
        commit("a", "v-1", { dead: letters.slice(0, 2) }),
        commit("b", "v-1", { dead: letters.slice(2, 3) }),
      );
      expect(texts(await two.deadLetters(partition))).to.deep.equal(["1", "2", "3"]);
      await owner.commit(commit("a", "v-2", { from: "v-1", dead: letters.slice(3) }));
      const kept = texts(await two.deadLetters(partition));
      expect(kept).to.have.length(1_000);
      expect([kept[0], kept.at(-1)]).to.deep.equal(["4", "1003"]);
      expect(texts(await two.deadLetters(partition, 2))).to.deep.equal(["1002", "1003"]);
      expect((await two.describe(partition)).deadLetters).to.equal(1_000);
    });
  });

  async function outbox(owner: Owner, outboxAfter: number): Promise<Record<number, string | undefined>> {
    const reply = await owner.turn({ outboxAfter });
    return Object.fromEntries(reply.outbox.map(({ number, payload }) => [number, text(payload)]));
  }
}
