import assert from "node:assert/strict";
import { UnknownChannelError } from "../../errors.ts";
import { numbers } from "../numbered-jobs.ts";
import { Recorder } from "../recorder.ts";
import type { Suite } from "../test-nodes.ts";
import { nextTurn } from "../waiting.ts";

export function describeFlushing({ describe, it, nodes }: Suite): void {
  describe("flushing", () => {
    it("deletes the channels of the node and removes them from all groups", async () => {
      const first = await nodes.addChannel(nodes.one, "group", "another");
      const second = await nodes.addChannel(nodes.one, "group");
      await nodes.one.flush();
      for (const { channel } of [first, second]) {
        await assert.rejects(nodes.one.groupAdd("group", channel), UnknownChannelError);
        await nodes.one.groupDiscard("group", channel);
        await nodes.one.deleteChannel(channel);
      }
      await nodes.other.groupSend("another", { type: "late" });
      await nodes.other.groupSend("group", { type: "late" });
      await nodes.settled();
      assert.deepEqual([first.inbox.mails, second.inbox.mails], [[], []]);
      assert.deepEqual(nodes.one.counters().dropped, {});
    });

    it("does not affect other nodes", async () => {
      const { channel, inbox } = await nodes.addChannel(nodes.other, "group");
      await nodes.one.flush();
      await nodes.one.groupSend("group", { type: "group" });
      await nodes.one.send(channel, { type: "direct" });
      await inbox.until(() => inbox.mails.length === 2);
      assert.deepEqual(new Set(inbox.types), new Set(["group", "direct"]));
    });

    it("takes effect when it is called, also for messages on their way", async () => {
      const { channel, inbox } = await nodes.addChannel(nodes.one, "group");
      const sending = [
        nodes.other.groupSend("group", { type: "late" }),
        nodes.other.send(channel, { type: "late" }),
      ];
      await Promise.all([nodes.one.flush(), ...sending]);
      const witness = await nodes.addChannel(nodes.one, "group");
      await nodes.other.send(witness.channel, { type: "direct end" });
      await witness.inbox.next("direct end");
      await nodes.settled();
      assert.deepEqual(inbox.mails, []);
      assert.deepEqual(nodes.one.counters().dropped, { "no-channel": 1 });
    });

    it("never reuses a channel name, so that late messages reach no other channel", async () => {
      const gone = await Promise.all([nodes.addChannel(nodes.one), nodes.addChannel(nodes.one)]);
      await nodes.one.flush();
      const fresh = await Promise.all([nodes.addChannel(nodes.one), nodes.addChannel(nodes.one)]);
      for (const { channel } of gone) await nodes.other.send(channel, { type: "late" });
      for (const { channel, inbox } of fresh) {
        await nodes.other.send(channel, { type: "end" });
        await inbox.next("end");
        assert.deepEqual(inbox.types, ["end"]);
      }
      assert.deepEqual(nodes.one.counters().dropped, { "no-channel": 2 });
    });

    it("cancels a pending join", async () => {
      const { channel, inbox } = await nodes.addChannel(nodes.one);
      const joining = nodes.one.groupAdd("group", channel);
      await Promise.all([joining, nodes.one.flush()]);
      await nodes.settled();
      assert.deepEqual(inbox.types, []);
    });

    it("does not affect calls made after it, even before it resolves", async () => {
      await Promise.all(Array.from({ length: 20 }, () => nodes.addChannel(nodes.one, "group", "another")));
      const flushing = nodes.one.flush();
      const { inbox } = await nodes.addChannel(nodes.one, "group", "another");
      await flushing;
      await nodes.other.groupSend("another", { type: "another" });
      await nodes.other.groupSend("group", { type: "group" });
      await inbox.until(() => inbox.mails.length === 2);
      await nodes.settled();
      assert.deepEqual(inbox.types.sort(), ["another", "end", "group"]);
    });

    it("succeeds when called concurrently, and on a node without channels", async () => {
      const idle = await nodes.startNode();
      await Promise.all([idle.flush(), idle.flush()]);
      const inboxes = numbers(1, 20).map(() => new Recorder());
      const calls: Promise<unknown>[] = [];
      for (const [turn, inbox] of inboxes.entries()) {
        const join = async () => nodes.one.groupAdd("group", await nodes.one.newChannel(inbox));
        // `flush` may delete the channel before the channel joins.
        calls.push(join().catch((error: unknown) => assert.ok(error instanceof UnknownChannelError)));
        calls.push(nodes.one.flush(), nodes.one.flush());
        if (turn % 3 === 0) await nextTurn();
      }
      await Promise.all(calls);
      await nodes.one.flush();
      await nodes.settled();
      for (const inbox of inboxes) assert.deepEqual(inbox.types, []);
    });

    it("keeps the counters", async () => {
      const { channel } = await nodes.addChannel(nodes.one, "group");
      await nodes.one.deleteChannel(channel);
      await nodes.other.send(channel, { type: "late" });
      await nodes.one.flush();
      await nodes.settled();
      const fresh = await nodes.addChannel(nodes.one);
      await nodes.other.send(fresh.channel, { type: "end" });
      await fresh.inbox.next("end");
      assert.deepEqual(nodes.one.counters().dropped, { "no-channel": 1 });
    });
  });
}
