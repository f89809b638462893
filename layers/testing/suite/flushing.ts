import assert from "node:assert/strict";
import { UnknownChannelError } from "../../errors.ts";
import { numbers } from "../numbered-jobs.ts";
import { Recorder } from "../recorder.ts";
import type { Suite } from "../test-nodes.ts";
import { nextTurn } from "../waiting.ts";

export function describeFlushing({ describe, it, nodes }: Suite): void {
  describe("flushing", () => {
    it("forgets the channels of the node, and takes them out of all their groups", async () => {
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

    it("leaves other nodes alone", async () => {
      const { channel, inbox } = await nodes.addChannel(nodes.other, "group");
      await nodes.one.flush();
      await nodes.one.groupSend("group", { type: "group" });
      await nodes.one.send(channel, { type: "direct" });
      await inbox.until(() => inbox.mails.length === 2);
      assert.deepEqual(new Set(inbox.types), new Set(["group", "direct"]));
    });

    it("takes effect when it is called, even for what is on its way", async () => {
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

    it("gives no name a second time, so that what comes late reaches nobody else", async () => {
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

    it("makes a join that is under way come to nothing", async () => {
      const { channel, inbox } = await nodes.addChannel(nodes.one);
      const joining = nodes.one.groupAdd("group", channel);
      await Promise.all([joining, nodes.one.flush()]);
      await nodes.settled();
      assert.deepEqual(inbox.types, []);
    });

    it("leaves what is called after it, without waiting, as it is", async () => {
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

    it("may happen any number of times at once, and on a node that has nothing", async () => {
      const idle = await nodes.startNode();
      await Promise.all([idle.flush(), idle.flush()]);
      const inboxes = numbers(1, 20).map(() => new Recorder());
      const calls: Promise<unknown>[] = [];
      for (const [turn, inbox] of inboxes.entries()) {
        const join = async () => nodes.one.groupAdd("group", await nodes.one.newChannel(inbox));
        // The channel may be gone before it joins.
        calls.push(join().catch((error: unknown) => assert.ok(error instanceof UnknownChannelError)));
        calls.push(nodes.one.flush(), nodes.one.flush());
        if (turn % 3 === 0) await nextTurn();
      }
      await Promise.all(calls);
      await nodes.one.flush();
      await nodes.settled();
      for (const inbox of inboxes) assert.deepEqual(inbox.types, []);
    });

    it("does not hide what was counted", async () => {
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
