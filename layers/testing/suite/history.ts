import assert from "node:assert/strict";
import { InvalidOptionError, LayerClosedError, UnsupportedError } from "../../errors.ts";
import type { Position } from "../../message.ts";
import { numbers } from "../numbered-jobs.ts";
import type { Suite } from "../test-nodes.ts";

/** The default capacity of every layer that keeps a history. */
const capacity = 100;

export function describeHistory({ describe, it, nodes, lacks }: Suite): void {
  async function send(from: number, to: number): Promise<void> {
    const messages = numbers(from, to).map((number) => ({ type: "message", number }));
    await Promise.all(messages.map((message) => nodes.other.groupSend("group", message)));
  }

  /** Summarises a history. `first` and `last` are numbers of messages, and `end` is the newest offset. */
  async function read(options?: Parameters<typeof nodes.one.history>[1]) {
    const { entries, complete, position } = await nodes.one.history("group", options);
    const [first, last] = [entries[0], entries.at(-1)].map((entry) => entry?.message.number);
    return { first, last, count: entries.length, complete, end: position?.offset };
  }

  describe("history", () => {
    it("is readable, or rejects with UnsupportedError if the layer keeps none", async () => {
      if (nodes.one.capabilities.history) await nodes.one.history("group");
      else await assert.rejects(nodes.one.history("group"), UnsupportedError);
      await nodes.one.close();
      await assert.rejects(nodes.one.history("group"), LayerClosedError);
    });
    if (lacks.history !== undefined) return;

    it("contains the delivered messages at their offsets", async () => {
      const { inbox } = await nodes.addChannel(nodes.one, "group");
      await send(1, 20);
      await inbox.until(() => inbox.mails.length === 20);
      const { entries, position, complete } = await nodes.one.history("group");
      assert.deepEqual(entries, inbox.mails);
      for (const mail of entries)
        for (const part of [mail, mail.message, mail.delivery]) assert.ok(Object.isFrozen(part));
      const epoch = inbox.mails[0]?.delivery.epoch;
      assert.ok(epoch);
      assert.deepEqual(
        inbox.mails.map(({ delivery }) => delivery),
        numbers(1, 20).map((offset) => ({ group: "group", offset, epoch })),
      );
      assert.deepEqual([position, complete], [{ offset: 20, epoch }, true]);
    });

    it("keeps the ids of messages", async () => {
      const { inbox } = await nodes.addChannel(nodes.one, "group");
      await nodes.other.groupSend("group", { type: "message" }, { id: "7-1" });
      await send(2, 2);
      await inbox.until(() => inbox.mails.length === 2);
      const { entries } = await nodes.one.history("group");
      assert.deepEqual(entries, inbox.mails);
      assert.deepEqual(
        entries.map(({ delivery: { id, offset } }) => [id, offset]),
        [
          ["7-1", 1],
          [undefined, 2],
        ],
      );
    });

    it("names the channel that a message was not delivered to", async () => {
      const { inbox, channel } = await nodes.addChannel(nodes.one, "group");
      const other = await nodes.addChannel(nodes.other, "group");
      await nodes.other.groupSend("group", { type: "message", number: 1 }, { except: channel });
      await nodes.other.groupSend("group", { type: "message", number: 2 });
      await other.inbox.until(() => other.inbox.mails.length === 2);
      await inbox.until(() => inbox.mails.length === 1);
      const { entries } = await nodes.one.history("group");
      const [first, second] = other.inbox.mails;
      assert.deepEqual(entries, [{ ...first, except: channel }, second]);
    });

    it("is empty and complete if nothing was sent", async () => {
      const { entries, complete } = await nodes.one.history("group");
      assert.deepEqual([entries, complete], [[], true]);
    });

    it("keeps the newest messages, up to its capacity", async () => {
      await send(1, capacity + 5);
      const all = { first: 6, last: capacity + 5, count: capacity, complete: true, end: capacity + 5 };
      assert.deepEqual(await read({ limit: 1_000 }), all);
    });

    it("returns the newest messages, up to `limit`", async () => {
      await send(1, 10);
      assert.deepEqual(await read({ limit: 3 }), { first: 8, last: 10, count: 3, complete: true, end: 10 });
      for (const limit of [0, -1, 1.5, Number.NaN]) {
        await assert.rejects(nodes.one.history("group", { limit }), InvalidOptionError);
      }
    });

    it("returns the messages after `since`, and whether they are complete", async () => {
      await send(1, 10);
      const { position } = await nodes.one.history("group");
      assert.ok(position);
      await send(11, 15);
      const news = { first: 11, last: 15, count: 5, complete: true, end: 15 };
      assert.deepEqual(await read({ since: position }), news);
      assert.deepEqual(await read({ since: 10 }), news);
      assert.deepEqual(await read({ since: position, limit: 5 }), news);
      const rest = { ...news, first: 12, count: 4, complete: false };
      assert.deepEqual(await read({ since: position, limit: 4 }), rest);
      const none = { first: undefined, last: undefined, count: 0, complete: true, end: 15 };
      assert.deepEqual(await read({ since: 15 }), none);
    });

    it("is incomplete if the message after `since` is no longer kept", async () => {
      await send(1, capacity + 5);
      const kept = { first: 6, last: capacity + 5, count: capacity, end: capacity + 5 };
      assert.deepEqual(await read({ since: 5 }), { ...kept, complete: true });
      assert.deepEqual(await read({ since: 4 }), { ...kept, complete: false });
    });

    it("returns everything, as incomplete, if `since` belongs to another history", async () => {
      await send(1, 10);
      const all = { first: 1, last: 10, count: 10, complete: false, end: 10 };
      assert.deepEqual(await read({ since: { offset: 5, epoch: "another" } }), all);
      assert.deepEqual(await read({ since: 11 }), all);
      assert.equal((await nodes.one.history("nobody", { since: 1 })).complete, false);
    });

    it("refuses an invalid `since`", async () => {
      await send(1, 3);
      const { position } = await nodes.one.history("group");
      assert.ok(position);
      const offsets = [null, Number.NaN, -1, 1.5, Number.POSITIVE_INFINITY, 1e21, "2", {}, []];
      const places = [{ offset: 2 }, { epoch: position.epoch }, { offset: 2, epoch: 7 }];
      for (const since of [...offsets, ...places, ...offsets.map((offset) => ({ ...position, offset }))]) {
        const refusal = { name: "InvalidOptionError", message: /^`since` is/ };
        await assert.rejects(read({ since: since as number }), refusal);
      }
      const all = { first: 1, last: 3, count: 3, complete: true, end: 3 };
      assert.deepEqual(await read({ since: 0 }), all);
      assert.deepEqual(await read({ since: { ...position, offset: 0 } }), all);
    });

    it("omits payloads that are not messages, and counts them", async () => {
      await send(1, 1);
      await nodes.publishToGroup("group", Buffer.from("c1", "hex"));
      await send(2, 2);
      assert.deepEqual(await read(), { first: 1, last: 2, count: 2, complete: true, end: 3 });
      assert.equal(nodes.one.counters().dropped.garbage, 1);
    });

    it("has the capacity configured for the name of its group", async () => {
      const capacity = [
        ["brief_*", 3],
        ["*", 5],
      ] as const;
      const node = await nodes.startNode({ capacity });
      for (const [group, kept] of Object.entries({ brief_1: 3, brief_2: 3, brief: 5 })) {
        for (const number of numbers(1, 7)) await node.groupSend(group, { type: "message", number });
        const { entries } = await node.history(group);
        assert.deepEqual(
          entries.map(({ message }) => message.number),
          numbers(8 - kept, 7),
        );
      }
    });

    it("expires after the time configured for the name of its group, and no other history does", async () => {
      const node = await nodes.startNode({ expiryMs: [["brief", 1]] });
      for (const group of ["long", "brief"]) await node.groupSend(group, { type: "message", number: 1 });
      while ((await node.history("brief")).entries.length > 0);
      assert.equal((await node.history("long")).entries.length, 1);
    });

    it("refuses an invalid capacity or expiry", async () => {
      for (const options of [{ capacity: 0 }, { expiryMs: [["group", 1.5]] as const }]) {
        await assert.rejects(async () => nodes.startNode(options), InvalidOptionError);
      }
    });

    it("tells a new member the position before its first message", async () => {
      await send(1, 3);
      const { inbox, channel } = await nodes.addChannel(nodes.one);
      const positions: (Position | undefined)[] = [];
      const join = () => nodes.one.join("group", channel, (position) => positions.push(position));
      await join();
      await send(4, 6);
      await inbox.until(() => inbox.mails.length === 3);
      await nodes.addChannel(nodes.one, "group");
      await join();
      const other = await nodes.addChannel(nodes.one);
      await nodes.one.join("group", other.channel, (position) => positions.push(position));
      const { epoch } = inbox.mails[0]?.delivery ?? {};
      // A backend need not know positions, but then it knows none.
      if (positions.every((position) => position === undefined)) return;
      assert.deepEqual(positions, [
        { offset: 3, epoch },
        { offset: 6, epoch },
      ]);
    });

    it("shares a secret between the nodes of a prefix, if it keeps one", async () => {
      const [secret, ...others] = await Promise.all(
        [nodes.one, nodes.other, nodes.one].map((node) => node.secret()),
      );
      for (const other of others) assert.deepEqual(other, secret);
      assert.ok(secret === undefined || secret.length === 32);
    });

    it("is separate for each group", async () => {
      await nodes.one.groupSend("another", { type: "message", number: 7 });
      await send(1, 2);
      assert.deepEqual(await read(), { first: 1, last: 2, count: 2, complete: true, end: 2 });
    });
  });
}
