import assert from "node:assert/strict";
import { UnknownChannelError } from "../../errors.ts";
import type { Actor, Stage } from "../stage.ts";

export function describeMembership(stage: Stage): void {
  /** What `actors` got, once everything sent to the group before this call has been delivered. */
  async function typesAfter(...actors: Actor[]): Promise<string[][]> {
    const witness = await stage.actor(stage.one, "group");
    await stage.other.groupSend("group", { type: "end" });
    await witness.inbox.next("end");
    return actors.map(({ inbox }) => inbox.types);
  }

  describe("membership", () => {
    it("begins once, however often the channel is added", async () => {
      const { channel, inbox } = await stage.actor(stage.one, "group", "group");
      await stage.one.groupAdd("group", channel);
      assert.deepEqual(await typesAfter({ channel, inbox }), [["end"]]);
    });

    it("ends at the first discard, however often the channel was added", async () => {
      const actor = await stage.actor(stage.one, "group", "group");
      await stage.one.groupDiscard("group", actor.channel);
      assert.deepEqual(await typesAfter(actor), [[]]);
    });

    it("ends when groupDiscard is called, even for what is on its way", async () => {
      const actor = await stage.actor(stage.one, "group");
      const remaining = await stage.actor(stage.one, "group");
      const sending = stage.other.groupSend("group", { type: "late" });
      const leaving = stage.one.groupDiscard("group", actor.channel);
      await Promise.all([sending, leaving]);
      assert.deepEqual(await typesAfter(actor, remaining), [[], ["late", "end"]]);
    });

    it("can begin anew", async () => {
      const actor = await stage.actor(stage.one, "group");
      await stage.one.groupDiscard("group", actor.channel);
      await stage.other.groupSend("group", { type: "missed" });
      await stage.one.groupAdd("group", actor.channel);
      assert.deepEqual(await typesAfter(actor), [["end"]]);
    });

    it("is in place for all of many that join at once", async () => {
      const actors = await Promise.all(Array.from({ length: 200 }, () => stage.actor(stage.one, "group")));
      for (const types of await typesAfter(...actors)) assert.deepEqual(types, ["end"]);
    });

    it("is in place for many groups joined at once", async () => {
      const groups = Array.from({ length: 300 }, (_, index) => `group-${index}`);
      const { inbox } = await stage.actor(stage.one, ...groups);
      await Promise.all(groups.map((group) => stage.other.groupSend(group, { type: "hello" })));
      await inbox.until(() => inbox.mails.length === groups.length);
      assert.deepEqual(new Set(inbox.mails.map(({ delivery }) => delivery.group)), new Set(groups));
    });

    it("does not begin if the channel leaves while it joins", async () => {
      const actor = await stage.actor(stage.one);
      const joining = stage.one.groupAdd("group", actor.channel);
      await Promise.all([joining, stage.one.groupDiscard("group", actor.channel)]);
      assert.deepEqual(await typesAfter(actor), [[]]);
    });

    it("does not begin if the channel is deleted while it joins", async () => {
      const actor = await stage.actor(stage.one);
      const joining = stage.one.groupAdd("group", actor.channel);
      await Promise.all([joining, stage.one.deleteChannel(actor.channel)]);
      assert.deepEqual(await typesAfter(actor), [[]]);
    });

    it("is in place if the channel joins while it leaves", async () => {
      const actor = await stage.actor(stage.one, "group");
      const leaving = stage.one.groupDiscard("group", actor.channel);
      await Promise.all([leaving, stage.one.groupAdd("group", actor.channel)]);
      assert.deepEqual(await typesAfter(actor), [["end"]]);
    });

    it("is what the last call says, after any number of joins and leaves at once", async () => {
      const stays = await stage.actor(stage.one);
      const leaves = await stage.actor(stage.one);
      const calls: Promise<void>[] = [];
      for (let turn = 0; turn < 25; turn += 1) {
        calls.push(stage.one.groupAdd("group", leaves.channel));
        calls.push(stage.one.groupDiscard("group", stays.channel));
        if (turn % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
        calls.push(stage.one.groupDiscard("group", leaves.channel));
        calls.push(stage.one.groupAdd("group", stays.channel));
      }
      await Promise.all(calls);
      assert.deepEqual(await typesAfter(stays, leaves), [["end"], []]);
    });

    it("of one channel does not depend on another's", async () => {
      const stays = await stage.actor(stage.one, "group");
      const leaves = await stage.actor(stage.one, "group");
      await stage.one.groupDiscard("group", leaves.channel);
      assert.deepEqual(await typesAfter(stays, leaves), [["end"], []]);
    });

    it("of a deleted channel ends in all groups, when deleteChannel is called", async () => {
      const actor = await stage.actor(stage.one, "group", "another");
      const sending = stage.other.groupSend("group", { type: "late" });
      await Promise.all([stage.one.deleteChannel(actor.channel), sending]);
      const another = await stage.actor(stage.one, "another");
      await stage.other.groupSend("another", { type: "end" });
      await another.inbox.next("end");
      assert.deepEqual(await typesAfter(actor), [[]]);
    });

    it("is for channels of the node alone, that are there", async () => {
      const { channel } = await stage.actor(stage.one);
      await assert.rejects(stage.other.groupAdd("group", channel), UnknownChannelError);
      await assert.rejects(stage.other.groupDiscard("group", channel), UnknownChannelError);
      await assert.rejects(stage.one.groupAdd("group", `${stage.one.node}!nobody`), UnknownChannelError);
      await assert.rejects(stage.one.groupAdd("group", "worker"), UnknownChannelError);
      await stage.one.deleteChannel(channel);
      await assert.rejects(stage.one.groupAdd("group", channel), UnknownChannelError);
    });

    it("may end where there is none", async () => {
      const { channel } = await stage.actor(stage.one);
      await stage.one.groupDiscard("group", channel);
      await stage.one.deleteChannel(channel);
      await stage.one.groupDiscard("group", channel);
      await stage.one.deleteChannel(channel);
    });
  });
}
