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
  text,
  texts,
} from "./fixture.ts";

const keys = [
  "{",
  "}",
  "{a}",
  "a:b",
  ":",
  " ",
  "a b\r\n",
  '"\\',
  "😀",
  "\0",
  "a\0b",
  "__proto__",
  "constructor",
  "1",
  "-1",
  "*",
  "ä",
  "x".repeat(100),
  "😀".repeat(50),
];

export function describeStoredActors(suite: StateSuite): void {
  describe("stored actors", () => {
    it("keeps the actors of all keys apart", async () => {
      const { one, two } = suite;
      const partition = newPartition();
      const owner = await Owner.of(one, partition);
      const views = new Map<string, (string | undefined)[]>();
      for (const key of keys) views.set(key, await listen(two, { partition, topic: "view", key }));
      const wakes = await listen(two, { partition, topic: "wake" });
      await one.ship(partition, shipment(keys.map((key, index) => message(index + 1, key, `to ${key}`))));
      const reply = await owner.turn({
        commits: keys.map((key, index) =>
          commit(key, `${key.slice(0, 3)}-1`, {
            state: { version: `v-${index}`, data: bytes(`data of ${key}`) },
            deadline: 1_000 + index,
            view: bytes(`view of ${key}`),
            ...(index % 2 === 0 && { parked: bytes(`reason of ${key}`) }),
          }),
        ),
        takes: keys.map((key) => ({ key, load: true })),
        listWaiting: true,
        due: 100,
      });
      expect(reply.conflicts).to.deep.equal([]);
      expect(reply.waiting).to.have.members(keys);
      expect(reply.due).to.deep.equal(keys);
      expect(reply.taken.map(({ key }) => key)).to.deep.equal(keys);
      for (const [index, { key, state, messages, loads, parked }] of reply.taken.entries()) {
        expect(state?.version).to.equal(`v-${index}`);
        expect(text(state?.data)).to.equal(`data of ${key}`);
        expect(texts(messages.map(({ payload }) => payload))).to.deep.equal([`to ${key}`]);
        expect(loads).to.equal(1);
        expect(text(parked)).to.equal(index % 2 === 0 ? `reason of ${key}` : undefined);
      }
      expect(await two.keys(partition)).to.have.members(keys);
      const described = await two.describe(partition);
      expect(described).to.include({ actors: keys.length, waiting: keys.length });
      expect(described.parked.map(({ key, reason }) => [key, text(reason)])).to.have.deep.members(
        keys.filter((_, index) => index % 2 === 0).map((key) => [key, `reason of ${key}`]),
      );
      await until(() => [...views.values()].every(({ length }) => length > 0));
      for (const [key, payloads] of views) expect(payloads).to.deep.equal([`view of ${key}`]);
      await until(() => wakes.length > 0);
      expect(wakes.flatMap((wake) => keysOf(bytes(wake ?? "")))).to.have.members(keys);
    });

    it("does not remove messages that came after the deletion of those that the first step took", async () => {
      const { one, two } = suite;
      const partition = newPartition();
      const owner = await Owner.of(one, partition);
      await two.ship(partition, shipment([message(1, "a"), message(2, "a")]));
      expect(await owner.load("a")).to.equal(1);
      expect(texts(await two.replace(partition, "a", undefined, undefined))).to.deep.equal(["1", "2"]);
      await two.ship(partition, shipment([message(3, "a")]));
      const late = commit("a", "x-1", { taken: 2 });
      expect((await owner.commit(late)).conflicts).to.deep.equal([{ index: 0, version: undefined }]);
      expect(await owner.load("a")).to.equal(1);
      expect(await owner.messages("a")).to.deep.equal(["3"]);
      expect((await owner.commit(commit("a", "y-1", { taken: 1 }))).conflicts).to.deep.equal([]);
      expect(await owner.messages("a")).to.deep.equal([]);
    });

    it("makes a resumed actor due, even if no owner hears of it", async () => {
      const { one, two } = suite;
      const partition = newPartition();
      const owner = await Owner.of(one, partition);
      const reason = bytes("broken");
      await owner.commit(commit("a", "x-1", { parked: reason }));
      const { state: _state, ...unborn } = commit("unborn", "", { parked: reason });
      await owner.commit(unborn);
      expect(await two.resume(partition, "a")).to.equal(true);
      expect(await two.resume(partition, "unborn")).to.equal(true);
      expect(await two.resume(partition, "a")).to.equal(false);
      expect((await owner.turn({ due: 10 })).due).to.deep.equal(["a"]);
    });

    it("keeps payloads of any bytes, of any length up to 1 MiB", async () => {
      const { one, two } = suite;
      const partition = newPartition();
      const owner = await Owner.of(one, partition);
      const all = Uint8Array.from({ length: 1_024 }, (_, index) => index ^ (index >> 8));
      const payloads = [
        new Uint8Array(),
        bytes("\n"),
        bytes("1-1\n2\r\n\0"),
        all,
        new Uint8Array(1024 * 1024).fill(0xff),
      ];
      const views: Uint8Array[] = [];
      await two.subscribe(
        { partition, topic: "view", key: "a" },
        { payload: (payload) => views.push(payload), gap: () => {} },
      );
      let from: string | undefined;
      for (const [index, data] of payloads.entries()) {
        const version = `i-${index}`;
        const shipped = message(index + 1, "a");
        await one.ship(partition, shipment([{ ...shipped, payload: data }], { bytes: 2 ** 21 }));
        const reply = await owner.turn({
          commits: [
            commit("a", version, {
              from,
              state: { version, data },
              view: data,
              outbox: [data],
              dead: [data],
              parked: data,
            }),
          ],
          takes: [{ key: "a", load: true }],
          relayed: index,
          outboxAfter: 0,
        });
        from = version;
        const [taken] = reply.taken;
        const dead = await two.deadLetters(partition);
        const { state, parked } = await two.read(partition, "a");
        const stored = [taken?.state?.data, taken?.messages[0]?.payload, taken?.parked, state?.data, parked];
        for (const payload of [...stored, reply.outbox[0]?.payload, dead.at(-1)]) {
          expect(payload).to.be.instanceOf(Uint8Array);
          expect(Buffer.compare(payload as Uint8Array, data)).to.equal(0);
        }
        await until(() => views.length > index);
        expect(Buffer.compare(views[index] as Uint8Array, data)).to.equal(0);
        await owner.commit({ key: "a", from, taken: 1, outbox: [], dead: [] });
      }
    });

    it("reads the stored facts of an actor, and nothing of an actor that does not exist", async () => {
      const { one, two } = suite;
      const partition = newPartition();
      const owner = await Owner.of(one, partition);
      const { now: before } = await owner.turn();
      const { now, ...none } = await two.read(partition, "a");
      expect(now).to.be.at.least(before);
      expect(none).to.deep.equal({ state: undefined, mailbox: 0, parked: undefined, deadline: undefined });
      await owner.commit(commit("a", "v-1", { deadline: 77, parked: bytes("reason") }));
      await one.ship(partition, shipment([message(1, "a"), message(2, "a")]));
      const { state, parked, ...facts } = await two.read(partition, "a");
      expect(state?.version).to.equal("v-1");
      expect(text(state?.data)).to.equal("data of v-1");
      expect(text(parked)).to.equal("reason");
      expect(facts).to.include({ mailbox: 2, deadline: 77 });
    });

    it("removes an actor with its deadline and parking, and keeps the messages that it has not taken", async () => {
      const { one } = suite;
      const partition = newPartition();
      const owner = await Owner.of(one, partition);
      await one.ship(partition, shipment([message(1, "a"), message(2, "a"), message(3, "b")]));
      await owner.commit(commit("a", "v-1", { deadline: 1, parked: bytes("reason") }), commit("b", "v-1"));
      const reply = await owner.turn({
        commits: [{ key: "a", from: "v-1", taken: 1, outbox: [bytes("last")], dead: [], remove: true }],
        takes: [{ key: "a", load: true }],
        listWaiting: true,
        due: 10,
        outboxAfter: 0,
      });
      expect(reply.conflicts).to.deep.equal([]);
      expect(reply.taken[0]).to.deep.include({ state: undefined, loads: 1, parked: undefined });
      expect(texts(reply.taken[0]?.messages.map(({ payload }) => payload) ?? [])).to.deep.equal(["2"]);
      expect(reply.due).to.deep.equal([]);
      expect(reply.waiting).to.have.members(["a", "b"]);
      expect(reply.outbox).to.have.length(1);
      expect(await one.keys(partition)).to.deep.equal(["b"]);
      const { outcomes } = await one.ship(partition, shipment([message(4, "a", "ask", true)], { bytes: 4 }));
      expect(outcomes).to.deep.equal(["stored"]);
      expect((await owner.commit(commit("a", "w-1"))).conflicts).to.deep.equal([]);
    });

    it("replaces an actor, whoever owns the partition", async () => {
      const { one, two } = suite;
      const partition = newPartition();
      const owner = await Owner.of(one, partition);
      const wakes = await listen(one, { partition, topic: "wake" });
      const views = await listen(one, { partition, topic: "view", key: "a" });
      await owner.commit(commit("a", "v-1", { deadline: 1, parked: bytes("reason") }));
      await two.ship(partition, shipment([message(1, "a"), message(2, "a")]));
      await until(() => wakes.length === 1);
      const state = { version: "w-1", data: bytes("imported"), deadline: 99 };
      expect(texts(await two.replace(partition, "a", state, bytes("view")))).to.deep.equal(["1", "2"]);
      const stored = await one.read(partition, "a");
      expect(stored).to.include({ mailbox: 0, parked: undefined, deadline: 99 });
      expect([stored.state?.version, text(stored.state?.data)]).to.deep.equal(["w-1", "imported"]);
      await until(() => views.length === 1 && wakes.length === 2);
      expect([views[0], keysOf(bytes(wakes[1] ?? ""))]).to.deep.equal(["view", ["a"]]);
      expect((await owner.turn({ listWaiting: true })).waiting).to.deep.equal([]);
      const { conflicts } = await owner.commit(commit("a", "v-2", { from: "v-1" }));
      expect(conflicts).to.deep.equal([{ index: 0, version: "w-1" }]);
      await two.replace(partition, "a", { version: "w-2", data: bytes("") }, undefined);
      expect((await one.read(partition, "a")).deadline).to.equal(undefined);
    });

    it("creates an actor, and removes one, by a replacement", async () => {
      const { one, two } = suite;
      const partition = newPartition();
      const wakes = await listen(one, { partition, topic: "wake" });
      expect(
        await two.replace(partition, "a", { version: "w-1", data: bytes("x") }, undefined),
      ).to.deep.equal([]);
      expect(await one.keys(partition)).to.deep.equal(["a"]);
      await two.ship(partition, shipment([message(1, "a")]));
      expect(texts(await two.replace(partition, "a", undefined, undefined))).to.deep.equal(["1"]);
      expect(await one.keys(partition)).to.deep.equal([]);
      expect(await one.read(partition, "a")).to.deep.include({ state: undefined, mailbox: 0 });
      expect(await two.replace(partition, "a", undefined, undefined)).to.deep.equal([]);
      await until(() => wakes.length === 4);
    });

    it("ends the parking of an actor, and wakes its owner", async () => {
      const { one, two } = suite;
      const partition = newPartition();
      const owner = await Owner.of(one, partition);
      await owner.commit(commit("a", "v-1", { parked: bytes("reason") }));
      expect(await two.resume(partition, "b")).to.equal(false);
      const wakes = await listen(one, { partition, topic: "wake" });
      expect(await two.resume(partition, "a")).to.equal(true);
      await until(() => wakes.length > 0);
      expect(keysOf(bytes(wakes.at(-1) ?? ""))).to.deep.equal(["a"]);
      const stored = await one.read(partition, "a");
      expect([stored.state?.version, stored.parked]).to.deep.equal(["v-1", undefined]);
      expect(await two.resume(partition, "a")).to.equal(false);
      expect((await one.describe(partition)).parked).to.deep.equal([]);
    });

    it("describes a partition", async () => {
      const { one, two } = suite;
      const partition = newPartition();
      const owner = new Owner(one, partition, "one");
      await owner.claim(4);
      await owner.commit(
        commit("a", "v-1", { deadline: 9, outbox: [bytes("1"), bytes("2")] }),
        commit("b", "v-1", { deadline: 8, dead: [bytes("dead")] }),
        commit("c", "v-1", { parked: bytes("reason") }),
      );
      await one.ship(partition, shipment([message(1, "a"), message(2, "a"), message(3, "d")]));
      const { now, parked, ...facts } = await two.describe(partition);
      expect(now).to.be.at.least((await one.read(partition, "a")).now - 60_000);
      expect(parked.map(({ key, reason }) => [key, text(reason)])).to.deep.equal([["c", "reason"]]);
      expect(facts).to.deep.equal({
        owner: "one",
        version: 4,
        actors: 3,
        waiting: 2,
        parkedActors: 1,
        deadLetters: 1,
        outbox: 2,
        nextDeadline: 8,
      });
    });

    it("describes a partition with at most 100 of its parked actors", async () => {
      const { one, two } = suite;
      const partition = newPartition();
      const owner = await Owner.of(one, partition);
      const keys = Array.from({ length: 1_000 }, (_, index) => `key ${index}`);
      const reason = bytes("reason ".repeat(20));
      await owner.commit(...keys.map((key) => commit(key, "v-1", { parked: reason })));
      const { parkedActors, parked } = await two.describe(partition);
      expect(parkedActors).to.equal(1_000);
      expect(parked).to.have.length(100);
      expect(keys).to.include.members(parked.map(({ key }) => key));
      for (const key of keys.slice(100)) await two.resume(partition, key);
      const described = await two.describe(partition);
      expect(described.parkedActors).to.equal(100);
      expect(described.parked.map(({ key }) => key)).to.have.members(keys.slice(0, 100));
    });
  });
}
