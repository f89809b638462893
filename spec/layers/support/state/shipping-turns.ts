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
  texts,
} from "./fixture.ts";

export function describeShippingTurns(suite: StateSuite): void {
  describe("turns with a shipment", () => {
    it("store its messages, and return them to the takes of the same turn", async () => {
      const partition = newPartition();
      const owner = await Owner.of(suite.one, partition);
      await suite.two.ship(partition, shipment([message(1, "a")], { sender: "other" }));
      const { shipped, taken } = await owner.turn({
        shipment: shipment([message(1, "a", "own"), message(2, "b"), message(3, "c")]),
        takes: [
          { key: "b", load: true },
          { key: "a", load: false },
        ],
      });
      expect(shipped).to.deep.equal({ outcomes: ["stored", "stored", "stored"], known: 0, isHeard: true });
      const found = taken.map(({ key, messages }) => [key, ...texts(messages.map(({ payload }) => payload))]);
      expect(found).to.deep.equal([
        ["b", "2"],
        ["a", "1", "own"],
      ]);
      expect(await owner.messages("c")).to.deep.equal(["3"]);
      expect((await owner.turn()).shipped).to.equal(undefined);
    });

    it("commit first, so that there is room, and a parked actor refuses asks", async () => {
      const { one } = suite;
      const partition = newPartition();
      const owner = await Owner.of(one, partition);
      await one.ship(partition, shipment([message(1, "a"), message(2, "b")], { capacity: 1 }));
      const { shipped } = await owner.turn({
        commits: [commit("a", "v-1", { taken: 1 }), commit("c", "v-1", { parked: bytes("reason") })],
        shipment: shipment(
          [message(3, "a"), message(4, "b"), message(5, "c", "ask", true), message(6, "c")],
          {
            capacity: 1,
          },
        ),
      });
      expect(shipped).to.deep.include({ outcomes: ["stored", "full", "parked", "stored"], known: 2 });
      expect(await owner.messages("a")).to.deep.equal(["3"]);
      expect(await owner.messages("b")).to.deep.equal(["2"]);
      expect(await owner.messages("c")).to.deep.equal(["6"]);
    });

    it("store its messages once, also if it is repeated with a turn or without one", async () => {
      const { one } = suite;
      const partition = newPartition();
      const owner = await Owner.of(one, partition);
      const sent = shipment([message(1, "a"), message(2, "a"), message(3, "b")], { capacity: 1 });
      const reply = { outcomes: ["stored", "full", "stored"], known: 0 };
      for (let time = 1; time <= 2; time += 1)
        expect((await owner.turn({ number: 1, shipment: sent })).shipped).to.deep.include(reply);
      expect((await owner.turn({ shipment: sent })).shipped).to.deep.include(reply);
      expect(await one.ship(partition, sent)).to.deep.include(reply);
      expect((await owner.turn({ shipment: sent })).shipped).to.deep.include(reply);
      expect(await owner.messages("a")).to.deep.equal(["1"]);
      expect(await owner.messages("b")).to.deep.equal(["3"]);
      const none = (await owner.turn({ shipment: shipment([]) })).shipped;
      expect(none).to.deep.include({ outcomes: [], known: 3 });
    });

    it("may be repeated without it", async () => {
      const partition = newPartition();
      const owner = await Owner.of(suite.one, partition);
      const turn = { number: 1, commits: [commit("a", "v-1")], takes: [{ key: "a", load: false }] };
      await owner.turn({ ...turn, shipment: shipment([message(1, "a")]) });
      const { conflicts, shipped, taken } = await owner.turn(turn);
      expect([conflicts, shipped]).to.deep.equal([[], undefined]);
      expect(taken[0]?.messages).to.have.length(1);
    });

    it("store nothing for a former owner", async () => {
      const { one, two } = suite;
      const partition = newPartition();
      const former = await Owner.of(one, partition);
      await Owner.of(two, partition, "two");
      const { isOwner, shipped } = await former.turn({ shipment: shipment([message(1, "a")]) });
      expect([isOwner, shipped]).to.deep.equal([false, undefined]);
      expect((await two.ship(partition, shipment([message(1, "a")]))).known).to.equal(0);
    });

    it("wake no node", async () => {
      const { one, two } = suite;
      const partition = newPartition();
      const owner = await Owner.of(one, partition);
      const wakes = await listen(one, { partition, topic: "wake" });
      await owner.turn({ shipment: shipment([message(1, "a")]) });
      await two.ship(partition, shipment([message(1, "b")], { sender: "other" }));
      await until(() => wakes.length > 0);
      expect(wakes).to.deep.equal(['["b"]']);
    });
  });
}
