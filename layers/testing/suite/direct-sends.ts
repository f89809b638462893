import assert from "node:assert/strict";
import type { Stage } from "../stage.ts";

const count = 500;
const numbers = Array.from({ length: count }, (_, index) => index);

export function describeDirectSends(stage: Stage): void {
  describe("direct sends", () => {
    for (const where of ["one", "other"] as const) {
      it(`reach one channel on ${where === "one" ? "the same" : "another"} node, and no other`, async () => {
        const target = await stage.actor(stage[where], "group");
        const neighbour = await stage.actor(stage[where], "group");
        await stage.one.send(target.channel, { type: "hello", list: [1] });
        await stage.one.send(neighbour.channel, { type: "end" });
        await target.inbox.next("hello");
        await neighbour.inbox.next("end");
        assert.deepEqual(target.inbox.mails, [{ message: { type: "hello", list: [1] }, delivery: {} }]);
        assert.deepEqual(neighbour.inbox.types, ["end"]);
        const [mail] = target.inbox.mails;
        for (const part of [mail, mail?.message, mail?.message.list, mail?.delivery])
          assert.ok(Object.isFrozen(part));
      });
    }

    it("keep the order of one sender", async () => {
      const { channel, inbox } = await stage.actor(stage.other);
      await Promise.all(numbers.map((number) => stage.one.send(channel, { type: "message", number })));
      await inbox.until(() => inbox.mails.length === count);
      assert.deepEqual(
        inbox.messages.map(({ number }) => number),
        numbers,
      );
    });

    it("to a channel that was deleted are counted on its node", async () => {
      const gone = await stage.actor(stage.other);
      const { channel, inbox } = await stage.actor(stage.other);
      const sending = stage.one.send(gone.channel, { type: "late" });
      await Promise.all([stage.other.deleteChannel(gone.channel), sending]);
      await stage.one.send(gone.channel, { type: "later" });
      await stage.one.send(channel, { type: "end" });
      await inbox.next("end");
      assert.deepEqual(gone.inbox.types, []);
      assert.deepEqual(stage.other.counters().dropped, { "no-channel": 2 });
    });

    it("to a node that is gone are fine", async () => {
      await stage.one.send("0123456789abcdef!1", { type: "x" });
    });
  });
}
