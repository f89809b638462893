import assert from "node:assert/strict";
import { UnknownChannelError } from "../../errors.ts";
import { Recorder } from "../recorder.ts";
import type { Stage } from "../stage.ts";

export function describeFlushing(stage: Stage): void {
  /** Resolves once everything sent to the group before this call has been delivered. */
  async function settled(): Promise<void> {
    const witness = await stage.actor(stage.one, "group");
    await stage.other.groupSend("group", { type: "end" });
    await witness.inbox.next("end");
  }

  describe("flushing", () => {
    it("forgets the channels of the node, and takes them out of all their groups", async () => {
      const first = await stage.actor(stage.one, "group", "another");
      const second = await stage.actor(stage.one, "group");
      await stage.one.flush();
      for (const { channel } of [first, second]) {
        await assert.rejects(stage.one.groupAdd("group", channel), UnknownChannelError);
        await stage.one.groupDiscard("group", channel);
        await stage.one.deleteChannel(channel);
      }
      await stage.other.groupSend("another", { type: "late" });
      await stage.other.groupSend("group", { type: "late" });
      await settled();
      assert.deepEqual([first.inbox.mails, second.inbox.mails], [[], []]);
      assert.deepEqual(stage.one.counters().dropped, {});
    });

    it("leaves other nodes alone", async () => {
      const { channel, inbox } = await stage.actor(stage.other, "group");
      await stage.one.flush();
      await stage.one.groupSend("group", { type: "group" });
      await stage.one.send(channel, { type: "direct" });
      await inbox.until(() => inbox.mails.length === 2);
      assert.deepEqual(new Set(inbox.types), new Set(["group", "direct"]));
    });

    it("takes effect when it is called, even for what is on its way", async () => {
      const { channel, inbox } = await stage.actor(stage.one, "group");
      const sending = [
        stage.other.groupSend("group", { type: "late" }),
        stage.other.send(channel, { type: "late" }),
      ];
      await Promise.all([stage.one.flush(), ...sending]);
      const witness = await stage.actor(stage.one, "group");
      await stage.other.send(witness.channel, { type: "direct end" });
      await witness.inbox.next("direct end");
      await settled();
      assert.deepEqual(inbox.mails, []);
      assert.deepEqual(stage.one.counters().dropped, { "no-channel": 1 });
    });

    it("gives no name a second time, so that what comes late reaches nobody else", async () => {
      const gone = await Promise.all([stage.actor(stage.one), stage.actor(stage.one)]);
      await stage.one.flush();
      const fresh = await Promise.all([stage.actor(stage.one), stage.actor(stage.one)]);
      for (const { channel } of gone) await stage.other.send(channel, { type: "late" });
      for (const { channel, inbox } of fresh) {
        await stage.other.send(channel, { type: "end" });
        await inbox.next("end");
        assert.deepEqual(inbox.types, ["end"]);
      }
      assert.deepEqual(stage.one.counters().dropped, { "no-channel": 2 });
    });

    it("makes a join that is under way come to nothing", async () => {
      const { channel, inbox } = await stage.actor(stage.one);
      const joining = stage.one.groupAdd("group", channel);
      await Promise.all([joining, stage.one.flush()]);
      await settled();
      assert.deepEqual(inbox.types, []);
    });

    it("leaves what is called after it, without waiting, as it is", async () => {
      await Promise.all(Array.from({ length: 20 }, () => stage.actor(stage.one, "group", "another")));
      const flushing = stage.one.flush();
      const { inbox } = await stage.actor(stage.one, "group", "another");
      await flushing;
      await stage.other.groupSend("another", { type: "another" });
      await stage.other.groupSend("group", { type: "group" });
      await inbox.until(() => inbox.mails.length === 2);
      await settled();
      assert.deepEqual(inbox.types.sort(), ["another", "end", "group"]);
    });

    it("may happen any number of times at once, and on a node that has nothing", async () => {
      const idle = await stage.startNode();
      await Promise.all([idle.flush(), idle.flush()]);
      const inboxes: Recorder[] = [];
      const calls: Promise<unknown>[] = [];
      for (let turn = 0; turn < 20; turn += 1) {
        const inbox = new Recorder();
        inboxes.push(inbox);
        const join = async () => stage.one.groupAdd("group", await stage.one.newChannel(inbox));
        // The channel may be gone before it joins.
        calls.push(join().catch((error: unknown) => assert.ok(error instanceof UnknownChannelError)));
        calls.push(stage.one.flush(), stage.one.flush());
        if (turn % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      await Promise.all(calls);
      await stage.one.flush();
      await settled();
      for (const inbox of inboxes) assert.deepEqual(inbox.types, []);
    });

    it("does not hide what was counted", async () => {
      const { channel } = await stage.actor(stage.one, "group");
      await stage.one.deleteChannel(channel);
      await stage.other.send(channel, { type: "late" });
      await stage.one.flush();
      await settled();
      const { channel: fresh, inbox } = await stage.actor(stage.one);
      await stage.other.send(fresh, { type: "end" });
      await inbox.next("end");
      assert.deepEqual(stage.one.counters().dropped, { "no-channel": 1 });
    });
  });
}
