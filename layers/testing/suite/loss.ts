import assert from "node:assert/strict";
import { LayerUnavailableError } from "../../errors.ts";
import type { Inbox } from "../../message.ts";
import type { Actor, Stage } from "../stage.ts";

/** An inbox that breaks its contract. */
const throwing: Inbox = {
  deliver() {
    throw new Error("the inbox threw");
  },
  gap() {
    throw new Error("the inbox threw");
  },
};

/** Sends until that works: a cut may hit the sender, too. */
async function untilSent(send: () => Promise<void>): Promise<void> {
  for (;;) {
    const failure = await send().then(
      () => undefined,
      (error: unknown) => error,
    );
    if (failure === undefined) return;
    assert.ok(failure instanceof LayerUnavailableError);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

export function describeLoss(stage: Stage): void {
  describe("loss", () => {
    it("by an inbox that throws is counted, reported, and nobody else's", async () => {
      const broken = await stage.one.newChannel(throwing);
      const before = await stage.actor(stage.one, "group");
      await stage.one.groupAdd("group", broken);
      const after = await stage.actor(stage.one, "group");
      await stage.other.send(broken, { type: "x" });
      await stage.other.groupSend("group", { type: "x" });
      await stage.other.groupSend("group", { type: "end" });
      for (const { inbox } of [before, after]) {
        await inbox.next("end");
        assert.deepEqual(inbox.types, ["x", "end"]);
      }
      await stage.other.send(after.channel, { type: "last" });
      await after.inbox.next("last");
      assert.deepEqual(stage.one.counters().dropped, { "inbox-error": 3 });
      assert.equal(stage.errors.length, 3);
      for (const [error, where] of stage.errors) {
        assert.match(String(error), /the inbox threw/);
        assert.deepEqual(where, { stage: "layer", channel: broken });
      }
    });

    it("is none where all goes well: what was published, received and delivered adds up", async () => {
      const near = await stage.actor(stage.one, "group");
      const far = await stage.actor(stage.other, "group");
      const neighbour = await stage.actor(stage.other, "group");
      await stage.one.send(far.channel, { type: "direct" });
      await far.inbox.next("direct");
      await stage.one.groupSend("group", { type: "not-near" }, { except: near.channel });
      await stage.one.groupSend("group", { type: "end" });
      for (const { inbox } of [near, far, neighbour]) await inbox.next("end");
      assert.deepEqual(stage.one.counters(), {
        published: 3,
        received: 2,
        delivered: 1,
        consumed: 0,
        dropped: {},
      });
      assert.deepEqual(stage.other.counters(), {
        published: 0,
        received: 3,
        delivered: 5,
        consumed: 0,
        dropped: {},
      });
    });

    const { cut } = stage.implementation;
    stage.unlessLacking("recovery")(
      "by a broken connection is none: what it left out comes, once and in order",
      async () => {
        const { inbox } = await stage.actor(stage.one, "group");
        const numbers = Array.from({ length: 30 }, (_, index) => index);
        for (const number of numbers) {
          if (number % 10 === 5) await cut?.(stage.one);
          await untilSent(() => stage.other.groupSend("group", { type: "message", number }));
        }
        await inbox.until(() => inbox.mails.length >= numbers.length);
        assert.deepEqual(
          inbox.messages.map(({ number }) => number),
          numbers,
        );
        assert.deepEqual(
          inbox.gaps.filter(({ group }) => group !== undefined),
          [],
        );
      },
    );

    stage.unlessLacking("gap")(
      "by a broken connection is told once all is well: one gap for each group, and one for direct sends",
      async () => {
        const first = await stage.actor(stage.one, "group", "another");
        const second = await stage.actor(stage.one, "group");
        const outside = await stage.actor(stage.one);
        await cut?.(stage.one);
        await first.inbox.until(() => first.inbox.gaps.length === 3);
        await second.inbox.until(() => second.inbox.gaps.length === 2);
        await outside.inbox.until(() => outside.inbox.gaps.length === 1);
        await stage.other.groupSend("group", { type: "end" });
        await stage.other.groupSend("another", { type: "end" });
        await stage.other.send(outside.channel, { type: "end" });
        await first.inbox.until(() => first.inbox.mails.length === 2);
        for (const { inbox } of [second, outside]) await inbox.next("end");
        const gapsOf = ({ inbox }: Actor) => inbox.gaps.map(({ group }) => group ?? "direct").sort();
        assert.deepEqual(gapsOf(first), ["another", "direct", "group"]);
        assert.deepEqual(gapsOf(second), ["direct", "group"]);
        assert.deepEqual(gapsOf(outside), ["direct"]);
      },
    );
  });
}
