import assert from "node:assert/strict";
import { UnknownChannelError } from "../../errors.ts";
import type { Suite, TestChannel } from "../test-nodes.ts";
import { nextTurn } from "../waiting.ts";

export function describeMembership({ describe, it, nodes }: Suite): void {
  /** Returns the types that each of `members` received, once all messages sent to the group are delivered. */
  async function typesAfter(...members: TestChannel[]): Promise<string[][]> {
    await nodes.settled();
    return members.map(({ inbox }) => inbox.types);
  }

  describe("membership", () => {
    it("begins once, however often the channel is added", async () => {
      const member = await nodes.addChannel(nodes.one, "group", "group");
      await nodes.one.groupAdd("group", member.channel);
      assert.deepEqual(await typesAfter(member), [["end"]]);
    });

    it("ends at the first discard, however often the channel was added", async () => {
      const member = await nodes.addChannel(nodes.one, "group", "group");
      await nodes.one.groupDiscard("group", member.channel);
      assert.deepEqual(await typesAfter(member), [[]]);
    });

    it("ends when groupDiscard is called, also for messages on their way", async () => {
      const member = await nodes.addChannel(nodes.one, "group");
      const remaining = await nodes.addChannel(nodes.one, "group");
      const sending = nodes.other.groupSend("group", { type: "late" });
      const leaving = nodes.one.groupDiscard("group", member.channel);
      await Promise.all([sending, leaving]);
      assert.deepEqual(await typesAfter(member, remaining), [[], ["late", "end"]]);
    });

    it("can begin again", async () => {
      const member = await nodes.addChannel(nodes.one, "group");
      await nodes.one.groupDiscard("group", member.channel);
      await nodes.other.groupSend("group", { type: "missed" });
      await nodes.one.groupAdd("group", member.channel);
      assert.deepEqual(await typesAfter(member), [["end"]]);
    });

    it("begins for each of 200 channels that join at once", async () => {
      const members = await Promise.all(
        Array.from({ length: 200 }, () => nodes.addChannel(nodes.one, "group")),
      );
      for (const types of await typesAfter(...members)) assert.deepEqual(types, ["end"]);
    });

    it("begins in each of 300 groups that a channel joins at once", async () => {
      const groups = Array.from({ length: 300 }, (_, index) => `group-${index}`);
      const { inbox } = await nodes.addChannel(nodes.one, ...groups);
      await Promise.all(groups.map((group) => nodes.other.groupSend(group, { type: "hello" })));
      await inbox.until(() => inbox.mails.length === groups.length);
      assert.deepEqual(new Set(inbox.mails.map(({ delivery }) => delivery.group)), new Set(groups));
    });

    it("does not begin if the channel leaves while it joins", async () => {
      const member = await nodes.addChannel(nodes.one);
      const joining = nodes.one.groupAdd("group", member.channel);
      await Promise.all([joining, nodes.one.groupDiscard("group", member.channel)]);
      assert.deepEqual(await typesAfter(member), [[]]);
    });

    it("does not begin if the channel is deleted while it joins", async () => {
      const member = await nodes.addChannel(nodes.one);
      const joining = nodes.one.groupAdd("group", member.channel);
      await Promise.all([joining, nodes.one.deleteChannel(member.channel)]);
      assert.deepEqual(await typesAfter(member), [[]]);
    });

    it("begins if the channel joins while it leaves", async () => {
      const member = await nodes.addChannel(nodes.one, "group");
      const leaving = nodes.one.groupDiscard("group", member.channel);
      await Promise.all([leaving, nodes.one.groupAdd("group", member.channel)]);
      assert.deepEqual(await typesAfter(member), [["end"]]);
    });

    it("follows the last call after any number of concurrent joins and leaves", async () => {
      const stays = await nodes.addChannel(nodes.one);
      const leaves = await nodes.addChannel(nodes.one);
      const calls: Promise<void>[] = [];
      for (let turn = 0; turn < 25; turn += 1) {
        calls.push(nodes.one.groupAdd("group", leaves.channel));
        calls.push(nodes.one.groupDiscard("group", stays.channel));
        if (turn % 3 === 0) await nextTurn();
        calls.push(nodes.one.groupDiscard("group", leaves.channel));
        calls.push(nodes.one.groupAdd("group", stays.channel));
      }
      await Promise.all(calls);
      assert.deepEqual(await typesAfter(stays, leaves), [["end"], []]);
    });

    it("of one channel does not depend on another's", async () => {
      const stays = await nodes.addChannel(nodes.one, "group");
      const leaves = await nodes.addChannel(nodes.one, "group");
      await nodes.one.groupDiscard("group", leaves.channel);
      assert.deepEqual(await typesAfter(stays, leaves), [["end"], []]);
    });

    it("of a deleted channel ends in all groups, when deleteChannel is called", async () => {
      const member = await nodes.addChannel(nodes.one, "group", "another");
      const sending = nodes.other.groupSend("group", { type: "late" });
      await Promise.all([nodes.one.deleteChannel(member.channel), sending]);
      await nodes.settled("another");
      assert.deepEqual(await typesAfter(member), [[]]);
    });

    it("is limited to existing channels of the same node", async () => {
      const { channel } = await nodes.addChannel(nodes.one);
      await assert.rejects(nodes.other.groupAdd("group", channel), UnknownChannelError);
      await assert.rejects(nodes.other.groupDiscard("group", channel), UnknownChannelError);
      await assert.rejects(nodes.one.groupAdd("group", `${nodes.one.node}!nobody`), UnknownChannelError);
      await assert.rejects(nodes.one.groupAdd("group", "worker"), UnknownChannelError);
      await nodes.one.deleteChannel(channel);
      await assert.rejects(nodes.one.groupAdd("group", channel), UnknownChannelError);
    });

    it("can be ended if there is none", async () => {
      const { channel } = await nodes.addChannel(nodes.one);
      await nodes.one.groupDiscard("group", channel);
      await nodes.one.deleteChannel(channel);
      await nodes.one.groupDiscard("group", channel);
      await nodes.one.deleteChannel(channel);
    });
  });
}
