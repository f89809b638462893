import assert from "node:assert/strict";
import { numbers } from "../numbered-jobs.ts";
import type { Suite } from "../test-nodes.ts";

export function describeGroups({ describe, it, nodes }: Suite): void {
  describe("groups", () => {
    it("deliver to every member on every node, including the sender", async () => {
      const sender = await nodes.addChannel(nodes.one, "group");
      const neighbour = await nodes.addChannel(nodes.one, "group");
      const far = await nodes.addChannel(nodes.other, "group");
      await nodes.one.groupSend("group", { type: "hello" });
      for (const { inbox } of [sender, neighbour, far]) {
        await inbox.next("hello");
        assert.deepEqual(inbox.messages, [{ type: "hello" }]);
        assert.equal(inbox.mails[0]?.delivery.group, "group");
      }
    });

    it("accept messages from a node without members", async () => {
      const { inbox } = await nodes.addChannel(nodes.other, "group");
      await nodes.one.groupSend("group", { type: "hello" });
      await inbox.next("hello");
    });

    it("accept messages while they are empty", async () => {
      await nodes.one.groupSend("nobody", { type: "x" });
      const { channel } = await nodes.addChannel(nodes.one, "nobody");
      await nodes.one.groupDiscard("nobody", channel);
      await nodes.one.groupSend("nobody", { type: "x" });
      assert.deepEqual(nodes.one.counters().dropped, {});
    });

    it("are isolated from each other, also if one name is a prefix of another", async () => {
      const group = await nodes.addChannel(nodes.one, "group");
      const longer = await nodes.addChannel(nodes.one, "group2");
      const both = await nodes.addChannel(nodes.one, "group", "group2");
      await nodes.other.groupSend("group", { type: "for-group" });
      await nodes.other.groupSend("group2", { type: "for-group2" });
      await nodes.other.groupSend("group", { type: "end" });
      await nodes.other.groupSend("group2", { type: "end" });
      await group.inbox.next("end");
      await longer.inbox.next("end");
      await both.inbox.until(() => both.inbox.mails.length === 4);
      assert.deepEqual(group.inbox.types, ["for-group", "end"]);
      assert.deepEqual(longer.inbox.types, ["for-group2", "end"]);
      for (const { message, delivery } of both.inbox.mails) {
        if (message.type !== "end") assert.equal(`for-${delivery.group}`, message.type);
      }
    });

    it("are isolated from groups of the same name under another prefix", async () => {
      const stranger = await nodes.addChannel(await nodes.startNode({}, "elsewhere"), "group");
      const { inbox } = await nodes.addChannel(nodes.one, "group");
      await nodes.other.groupSend("group", { type: "hello" });
      await inbox.next("hello");
      await (await nodes.startNode({}, "elsewhere")).groupSend("group", { type: "end" });
      await stranger.inbox.next("end");
      assert.deepEqual(stranger.inbox.types, ["end"]);
      assert.deepEqual(inbox.types, ["hello"]);
    });

    it("deliver one sender's messages in the order sent, also with concurrent senders", async () => {
      const near = await nodes.addChannel(nodes.one, "group", "another");
      const far = await nodes.addChannel(nodes.other, "group", "another");
      const sent = numbers(1, 500);
      const sending = sent.flatMap((number) => [
        nodes.one.groupSend("group", { type: "one", number }),
        nodes.other.groupSend("group", { type: "other", number }),
        nodes.one.groupSend("another", { type: "another", number }),
      ]);
      await Promise.all(sending);
      for (const { inbox } of [near, far]) {
        await inbox.until(() => inbox.mails.length === 3 * sent.length);
        for (const sender of ["one", "other", "another"]) {
          const received = inbox.messages.filter(({ type }) => type === sender).map(({ number }) => number);
          assert.deepEqual(received, sent);
        }
      }
    });

    it("skip the channel in `except`, on any node", async () => {
      const near = await nodes.addChannel(nodes.one, "group");
      const far = await nodes.addChannel(nodes.other, "group");
      await nodes.one.groupSend("group", { type: "not-near" }, { except: near.channel });
      await nodes.one.groupSend("group", { type: "not-far" }, { except: far.channel });
      await nodes.one.groupSend("group", { type: "all" }, { except: `${nodes.one.node}!nobody` });
      await near.inbox.next("all");
      await far.inbox.next("all");
      assert.deepEqual(near.inbox.types, ["not-far", "all"]);
      assert.deepEqual(far.inbox.types, ["not-near", "all"]);
      assert.deepEqual(near.inbox.messages[0], { type: "not-far" });
    });

    it("deliver the id of a message that may be sent twice, also with `except`", async () => {
      const { inbox, channel } = await nodes.addChannel(nodes.one, "group");
      const far = await nodes.addChannel(nodes.other, "group");
      await nodes.one.groupSend("group", { type: "to-all" }, { id: "7-1" });
      await nodes.one.groupSend("group", { type: "to-all" }, { id: "7-1" });
      await nodes.one.groupSend("group", { type: "to-far" }, { id: "7-2", except: channel });
      await nodes.one.groupSend("group", { type: "end" });
      for (const member of [inbox, far.inbox]) await member.next("end");
      const idsIn = ({ mails }: typeof inbox) => mails.map(({ delivery }) => delivery.id);
      assert.deepEqual(idsIn(inbox), ["7-1", "7-1", undefined]);
      assert.deepEqual(idsIn(far.inbox), ["7-1", "7-1", "7-2", undefined]);
      assert.deepEqual(far.inbox.messages[0], { type: "to-all" });
      for (const { delivery } of far.inbox.mails) {
        assert.equal(delivery.group, "group");
        assert.ok(Object.isFrozen(delivery));
      }
    });

    it("deliver nothing before groupSend returns and its turn of the event loop ends", async () => {
      const { channel, inbox } = await nodes.addChannel(nodes.one, "group");
      void nodes.one.groupSend("group", { type: "end" });
      void nodes.one.send(channel, { type: "end" });
      for (let microtasks = 0; microtasks < 100; microtasks += 1) {
        assert.deepEqual(inbox.types, []);
        await undefined;
      }
      await inbox.next("end");
    });

    it("yield to the event loop while two members answer each other endlessly", async () => {
      const channels = await Promise.all(
        [0, 1].map((own) => {
          const answer = () => void nodes.one.send(channels[1 - own] ?? "", { type: "ball" }).catch(() => {});
          return nodes.one.newChannel({ deliver: answer, gap() {} });
        }),
      );
      await nodes.one.send(channels[0] ?? "", { type: "ball" });
      for (let turns = 0; turns < 20; turns += 1) await new Promise((resolve) => setTimeout(resolve, 0));
      await nodes.one.close();
    });
  });
}
