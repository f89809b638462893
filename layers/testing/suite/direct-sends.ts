import assert from "node:assert/strict";
import { numbers } from "../numbered-jobs.ts";
import type { Suite } from "../test-nodes.ts";

export function describeDirectSends({ describe, it, nodes }: Suite): void {
  describe("direct sends", () => {
    for (const where of ["one", "other"] as const) {
      it(`reach one channel on ${where === "one" ? "the same" : "another"} node, and no other`, async () => {
        const target = await nodes.addChannel(nodes[where], "group");
        const neighbour = await nodes.addChannel(nodes[where], "group");
        await nodes.one.send(target.channel, { type: "hello", list: [1] });
        await nodes.one.send(neighbour.channel, { type: "end" });
        await target.inbox.next("hello");
        await neighbour.inbox.next("end");
        assert.deepEqual(target.inbox.mails, [{ message: { type: "hello", list: [1] }, delivery: {} }]);
        assert.deepEqual(neighbour.inbox.types, ["end"]);
        const [mail] = target.inbox.mails;
        for (const part of [mail, mail?.message, mail?.message.list, mail?.delivery])
          assert.ok(Object.isFrozen(part));
      });
    }

    it("arrive in the order sent by one sender", async () => {
      const { channel, inbox } = await nodes.addChannel(nodes.other);
      const sent = numbers(1, 500);
      await Promise.all(sent.map((number) => nodes.one.send(channel, { type: "message", number })));
      await inbox.until(() => inbox.mails.length === sent.length);
      assert.deepEqual(inbox.numbers, sent);
    });

    it("to a deleted channel are dropped, and counted on its node", async () => {
      const gone = await nodes.addChannel(nodes.other);
      const { channel, inbox } = await nodes.addChannel(nodes.other);
      const sending = nodes.one.send(gone.channel, { type: "late" });
      await Promise.all([nodes.other.deleteChannel(gone.channel), sending]);
      await nodes.one.send(gone.channel, { type: "later" });
      await nodes.one.send(channel, { type: "end" });
      await inbox.next("end");
      assert.deepEqual(gone.inbox.types, []);
      assert.deepEqual(nodes.other.counters().dropped, { "no-channel": 2 });
    });

    it("to a node that has ended resolve", async () => {
      await nodes.one.send("0123456789abcdef!1", { type: "x" });
    });
  });
}
