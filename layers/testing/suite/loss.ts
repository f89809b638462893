import assert from "node:assert/strict";
import { LayerUnavailableError } from "../../errors.ts";
import type { Inbox } from "../../message.ts";
import { numbers } from "../numbered-jobs.ts";
import type { Suite, TestChannel } from "../test-nodes.ts";
import { nextTurn } from "../waiting.ts";

const throwing: Inbox = {
  deliver() {
    throw new Error("the inbox threw");
  },
  gap() {
    throw new Error("the inbox threw");
  },
};

/** Retries `send`, because a cut may also break the sender's connection. */
async function untilSent(send: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await send();
    } catch (error) {
      assert.ok(error instanceof LayerUnavailableError);
      await nextTurn();
    }
  }
}

export function describeLoss({ describe, it, nodes, lacks }: Suite): void {
  describe("loss", () => {
    it("is counted and reported if an inbox throws, and does not affect other members", async () => {
      const broken = await nodes.one.newChannel(throwing);
      const before = await nodes.addChannel(nodes.one, "group");
      await nodes.one.groupAdd("group", broken);
      const after = await nodes.addChannel(nodes.one, "group");
      await nodes.other.send(broken, { type: "x" });
      await nodes.other.groupSend("group", { type: "x" });
      await nodes.other.groupSend("group", { type: "end" });
      for (const { inbox } of [before, after]) {
        await inbox.next("end");
        assert.deepEqual(inbox.types, ["x", "end"]);
      }
      await nodes.other.send(after.channel, { type: "last" });
      await after.inbox.next("last");
      assert.deepEqual(nodes.one.counters().dropped, { "inbox-error": 3 });
      assert.equal(nodes.errors.length, 3);
      for (const [error, where] of nodes.errors) {
        assert.match(String(error), /the inbox threw/);
        assert.deepEqual(where, { stage: "layer", channel: broken });
      }
    });

    it("does not occur without faults: published, received and delivered messages add up", async () => {
      const near = await nodes.addChannel(nodes.one, "group");
      const far = await nodes.addChannel(nodes.other, "group");
      const neighbour = await nodes.addChannel(nodes.other, "group");
      await nodes.one.send(far.channel, { type: "direct" });
      await far.inbox.next("direct");
      await nodes.one.groupSend("group", { type: "not-near" }, { except: near.channel });
      await nodes.one.groupSend("group", { type: "end" });
      for (const { inbox } of [near, far, neighbour]) await inbox.next("end");
      const none = { published: 0, received: 0, delivered: 0, consumed: 0, retried: 0, gaps: 0, dropped: {} };
      assert.deepEqual(nodes.one.counters(), { ...none, published: 3, received: 2, delivered: 1 });
      assert.deepEqual(nodes.other.counters(), { ...none, received: 3, delivered: 5 });
    });

    if (lacks.recovery === undefined) {
      it("does not occur if a connection breaks: missed messages arrive later, once and in order", async () => {
        const { inbox } = await nodes.addChannel(nodes.one, "group");
        for (const number of numbers(1, 30)) {
          if (number % 10 === 5) await nodes.cut(nodes.one);
          await untilSent(() => nodes.other.groupSend("group", { type: "message", number }));
        }
        await inbox.until(() => inbox.mails.length >= 30);
        assert.deepEqual(inbox.numbers, numbers(1, 30));
        assert.ok(inbox.gaps.every(({ group }) => group === undefined));
      });
    }

    if (lacks.gap === undefined) {
      it("by a broken connection is reported after the reconnect: one gap per group, and one for direct sends", async () => {
        const first = await nodes.addChannel(nodes.one, "group", "another");
        const second = await nodes.addChannel(nodes.one, "group");
        const outside = await nodes.addChannel(nodes.one);
        await nodes.cut(nodes.one);
        await first.inbox.until(() => first.inbox.gaps.length === 3);
        await second.inbox.until(() => second.inbox.gaps.length === 2);
        await outside.inbox.until(() => outside.inbox.gaps.length === 1);
        await nodes.other.groupSend("group", { type: "end" });
        await nodes.other.groupSend("another", { type: "end" });
        await nodes.other.send(outside.channel, { type: "end" });
        await first.inbox.until(() => first.inbox.mails.length === 2);
        for (const { inbox } of [second, outside]) await inbox.next("end");
        const gapsOf = ({ inbox }: TestChannel) => inbox.gaps.map(({ group }) => group ?? "direct").sort();
        assert.deepEqual(gapsOf(first), ["another", "direct", "group"]);
        assert.deepEqual(gapsOf(second), ["direct", "group"]);
        assert.deepEqual(gapsOf(outside), ["direct"]);
      });
    }
  });
}
