import { expect } from "chai";
import { keysOf } from "../../../../layers/state-backend.ts";
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

export function describeMailboxes(suite: StateSuite): void {
  describe("mailboxes", () => {
    it("stores messages in order, with the time of the store", async () => {
      const partition = newPartition();
      const owner = await Owner.of(suite.one, partition);
      const { now: before } = await owner.turn();
      const reply = await suite.two.ship(
        partition,
        shipment([message(1, "a"), message(2, "b"), message(3, "a")]),
      );
      expect(reply.outcomes).to.deep.equal(["stored", "stored", "stored"]);
      await suite.two.ship(partition, shipment([message(4, "a")]));
      const { taken, now, waiting } = await owner.turn({
        takes: [
          { key: "a", load: false },
          { key: "c", load: false },
          { key: "b", load: true },
        ],
        listWaiting: true,
      });
      expect(taken.map(({ key }) => key)).to.deep.equal(["a", "c", "b"]);
      expect(taken.map(({ messages }) => texts(messages.map(({ payload }) => payload)))).to.deep.equal([
        ["1", "3", "4"],
        [],
        ["2"],
      ]);
      for (const { at } of taken[0]?.messages ?? []) expect(at).to.be.within(before, now);
      expect(waiting).to.have.members(["a", "b"]);
    });

    it("removes only the messages that a commit takes, from the front", async () => {
      const partition = newPartition();
      const owner = await Owner.of(suite.one, partition);
      await suite.one.ship(partition, shipment([message(1, "a"), message(2, "a"), message(3, "a")]));
      expect(await owner.messages("a")).to.deep.equal(["1", "2", "3"]);
      await owner.commit(commit("a", "v-1", { taken: 2 }));
      expect(await owner.messages("a")).to.deep.equal(["3"]);
      expect((await suite.one.read(partition, "a")).mailbox).to.equal(1);
      const { waiting } = await owner.turn({
        commits: [commit("a", "v-2", { from: "v-1", taken: 1 })],
        listWaiting: true,
      });
      expect(waiting).to.deep.equal([]);
      expect((await owner.turn()).waiting).to.deep.equal([]);
    });

    it("refuses a commit whose messages it has lost, also if others have come in their place", async () => {
      const partition = newPartition();
      const owner = await Owner.of(suite.one, partition);
      // Messages of one shipment have the same time.
      await suite.one.ship(partition, shipment([message(1, "a"), message(2, "a")]));
      const { taken } = await owner.turn({ takes: [{ key: "a", load: false }] });
      const [first = "", second = ""] = taken[0]?.messages.map(({ id }) => id) ?? [];
      for (const lost of [
        { taken: 1, lastTaken: second },
        { taken: 2, lastTaken: first },
        { taken: 3, lastTaken: second },
      ]) {
        const { conflicts } = await owner.commit(commit("a", "v-1", lost));
        expect(conflicts).to.deep.equal([{ index: 0, version: undefined }]);
      }
      expect(await owner.messages("a")).to.deep.equal(["1", "2"]);
      const { conflicts } = await owner.commit(commit("a", "v-1", { taken: 2, lastTaken: second }));
      expect(conflicts).to.deep.equal([]);
      expect(await owner.messages("a")).to.deep.equal([]);
    });

    it("refuses messages beyond the capacity of a mailbox, and takes others", async () => {
      const partition = newPartition();
      const owner = await Owner.of(suite.one, partition);
      const messages = [message(1, "a"), message(2, "a"), message(3, "a"), message(4, "b")];
      const { outcomes } = await suite.one.ship(partition, shipment(messages, { capacity: 2 }));
      expect(outcomes).to.deep.equal(["stored", "stored", "full", "stored"]);
      expect(await owner.messages("a")).to.deep.equal(["1", "2"]);
      await owner.commit(commit("a", "v-1", { taken: 1 }));
      const later = await suite.one.ship(partition, shipment([message(5, "a")], { capacity: 2 }));
      expect(later.outcomes).to.deep.equal(["stored"]);
      expect(await owner.messages("a")).to.deep.equal(["2", "5"]);
    });

    it("refuses messages beyond the bytes of a mailbox", async () => {
      const partition = newPartition();
      const owner = await Owner.of(suite.one, partition);
      const ship = async (number: number, length: number) => {
        const messages = [message(number, "a", "x".repeat(length))];
        return (await suite.one.ship(partition, shipment(messages, { bytes: 100 }))).outcomes[0];
      };
      expect(await ship(1, 101)).to.equal("full");
      expect(await ship(2, 60)).to.equal("stored");
      expect(await ship(3, 41)).to.equal("full");
      expect(await ship(4, 40)).to.equal("stored");
      expect(await ship(5, 1)).to.equal("full");
      await owner.commit(commit("a", "v-1", { taken: 1 }));
      expect(await ship(6, 61)).to.equal("full");
      expect(await ship(7, 60)).to.equal("stored");
      await owner.commit(commit("a", "v-2", { from: "v-1", taken: 2 }));
      expect(await ship(8, 100)).to.equal("stored");
    });

    it("takes no message after a full mailbox if the sender wants that", async () => {
      const partition = newPartition();
      const owner = await Owner.of(suite.one, partition);
      const options = { capacity: 1, stopAtFull: true };
      const messages = [message(1, "a"), message(2, "a"), message(3, "b")];
      const first = await suite.one.ship(partition, shipment(messages, options));
      expect(first.outcomes).to.deep.equal(["stored", "full"]);
      expect(await owner.messages("b")).to.deep.equal([]);
      // The number of the refused message is unused, so the message can be sent again with it.
      await owner.commit(commit("a", "v-1", { taken: 1 }));
      const again = await suite.one.ship(partition, shipment(messages.slice(1), options));
      expect(again).to.deep.include({ outcomes: ["stored", "stored"], known: 1 });
      expect(await owner.messages("a")).to.deep.equal(["2"]);
      expect(await owner.messages("b")).to.deep.equal(["3"]);
    });

    it("stores a repeated shipment once, with the same outcomes", async () => {
      const partition = newPartition();
      const owner = await Owner.of(suite.one, partition);
      await owner.commit(commit("parked", "v-1", { parked: bytes("reason") }));
      const messages = [message(1, "a"), message(2, "a"), message(3, "parked", "3", true), message(4, "b")];
      const ship = (list = messages) => suite.one.ship(partition, shipment(list, { capacity: 1 }));
      const outcomes = ["stored", "full", "parked", "stored"];
      expect(await ship()).to.deep.include({ outcomes, known: 0 });
      // There is room now, but the number of the message is used.
      await owner.commit(commit("a", "v-1", { taken: 1 }));
      expect(await ship()).to.deep.include({ outcomes, known: 0 });
      expect(await ship()).to.deep.include({ outcomes, known: 0 });
      expect(await ship([...messages, message(5, "c")])).to.deep.include({
        outcomes: [...outcomes, "stored"],
        known: 4,
      });
      expect(await ship([...messages, message(5, "c")])).to.deep.include({
        outcomes: [...outcomes, "stored"],
        known: 4,
      });
      expect(await owner.messages("a")).to.deep.equal([]);
      expect(await owner.messages("b")).to.deep.equal(["4"]);
      expect(await owner.messages("c")).to.deep.equal(["5"]);
      expect((await suite.one.read(partition, "parked")).mailbox).to.equal(0);
    });

    it("stores a message once, although its owner has taken it before the repetition", async () => {
      const partition = newPartition();
      const owner = await Owner.of(suite.one, partition);
      await suite.one.ship(partition, shipment([message(1, "a")]));
      await owner.commit(commit("a", "v-1", { taken: 1 }));
      expect((await suite.one.ship(partition, shipment([message(1, "a")]))).outcomes).to.deep.equal([
        "stored",
      ]);
      expect(await owner.messages("a")).to.deep.equal([]);
    });

    it("numbers the messages of each sender to each partition apart, and tells the number before", async () => {
      const { one } = suite;
      const partition = newPartition();
      const other = { ...partition, index: 4 };
      const ship = async (where: typeof partition, sender: string, number: number) => {
        const { known, outcomes } = await one.ship(where, shipment([message(number, "a")], { sender }));
        expect(outcomes).to.deep.equal(["stored"]);
        return known;
      };
      expect(await ship(partition, "a", 1)).to.equal(0);
      expect(await ship(partition, "a", 7)).to.equal(1);
      expect(await ship(partition, "a", 2 ** 50)).to.equal(7);
      expect(await ship(partition, "b", 1)).to.equal(0);
      expect(await ship(other, "a", 1)).to.equal(0);
      expect(await ship(partition, "a", 2 ** 50 + 1)).to.equal(2 ** 50);
      expect((await one.read(partition, "a")).mailbox).to.equal(5);
    });

    it("tells the last number for a shipment without messages", async () => {
      const partition = newPartition();
      const none = () => suite.one.ship(partition, shipment([]));
      expect(await none()).to.deep.include({ outcomes: [], known: 0 });
      await suite.one.ship(partition, shipment([message(9, "a")]));
      expect(await none()).to.deep.include({ outcomes: [], known: 9 });
    });

    it("refuses an ask to a parked actor, and stores other messages to it", async () => {
      const { one } = suite;
      const partition = newPartition();
      const owner = await Owner.of(one, partition);
      await owner.commit(commit("a", "v-1", { parked: bytes("reason") }));
      const messages = [message(1, "a", "ask", true), message(2, "a", "send"), message(3, "b", "ask", true)];
      expect((await one.ship(partition, shipment(messages))).outcomes).to.deep.equal([
        "parked",
        "stored",
        "stored",
      ]);
      expect(await owner.messages("a")).to.deep.equal(["send"]);
      await one.resume(partition, "a");
      const later = await one.ship(partition, shipment([message(4, "a", "ask", true)]));
      expect(later.outcomes).to.deep.equal(["stored"]);
    });

    it("does not stop at a parked actor", async () => {
      const partition = newPartition();
      const owner = await Owner.of(suite.one, partition);
      await owner.commit(commit("a", "v-1", { parked: bytes("reason") }));
      const messages = [message(1, "a", "ask", true), message(2, "b")];
      const { outcomes } = await suite.one.ship(partition, shipment(messages, { stopAtFull: true }));
      expect(outcomes).to.deep.equal(["parked", "stored"]);
    });

    it("publishes the keys of the messages on `wake`, and tells whether a node listens", async () => {
      const { one, two } = suite;
      const partition = newPartition();
      expect((await two.ship(partition, shipment([message(1, "a")]))).isHeard).to.equal(false);
      const wakes = await listen(one, { partition, topic: "wake" });
      const elsewhere = await listen(one, { partition: { ...partition, index: 33 }, topic: "wake" });
      const messages = [message(2, "a"), message(3, '"b"'), message(4, "a")];
      expect((await two.ship(partition, shipment(messages))).isHeard).to.equal(true);
      await until(() => wakes.length > 0);
      const keys = wakes.flatMap((wake) => keysOf(bytes(wake ?? "")));
      expect([...new Set(keys)]).to.have.members(["a", '"b"']);
      expect(elsewhere).to.deep.equal([]);
      await one.unsubscribe({ partition, topic: "wake" });
      expect((await two.ship(partition, shipment([message(5, "a")]))).isHeard).to.equal(false);
    });

    it("takes at most 256 messages at a time", async () => {
      const partition = newPartition();
      const owner = await Owner.of(suite.one, partition);
      const messages = Array.from({ length: 300 }, (_, index) => message(index + 1, "a"));
      await suite.one.ship(partition, shipment(messages));
      const first = await owner.messages("a");
      expect(first).to.deep.equal(messages.slice(0, 256).map(({ number }) => `${number}`));
      await owner.commit(commit("a", "v-1", { taken: 256 }));
      expect(await owner.messages("a")).to.have.length(44);
    });

    it("takes at most 1 MiB at a time, but at least one message", async () => {
      const partition = newPartition();
      const owner = await Owner.of(suite.one, partition);
      const half = "x".repeat(512 * 1024);
      const large = "x".repeat(1024 * 1024 + 1);
      const payloads = [half, half, "y", large, "z"];
      const messages = payloads.map((payload, index) => message(index + 1, "a", payload));
      await suite.one.ship(partition, shipment(messages, { bytes: 8 * 1024 * 1024 }));
      const lengths: number[][] = [];
      const hasMore: unknown[] = [];
      for (let version = 1; version <= 4; version += 1) {
        const reply = await owner.turn({ takes: [{ key: "a", load: false }] });
        const taken = reply.taken.flatMap(({ messages }) => messages);
        lengths.push(taken.map(({ payload }) => payload.length));
        hasMore.push(reply.taken[0]?.hasMore);
        const from = version === 1 ? undefined : `v-${version - 1}`;
        await owner.commit(commit("a", `v-${version}`, { from, taken: taken.length }));
      }
      expect(lengths).to.deep.equal([[half.length, half.length], [1], [large.length], [1]]);
      expect(hasMore).to.deep.equal([true, true, true, false]);
    });
  });
}
