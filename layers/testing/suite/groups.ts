import assert from "node:assert/strict";
import type { Stage } from "../stage.ts";

const count = 500;
const numbers = Array.from({ length: count }, (_, index) => index);

export function describeGroups(stage: Stage): void {
  describe("groups", () => {
    it("reach every member on every node, and the sender too", async () => {
      const sender = await stage.actor(stage.one, "group");
      const neighbour = await stage.actor(stage.one, "group");
      const far = await stage.actor(stage.other, "group");
      await stage.one.groupSend("group", { type: "hello" });
      for (const { inbox } of [sender, neighbour, far]) {
        await inbox.next("hello");
        assert.deepEqual(inbox.messages, [{ type: "hello" }]);
        assert.equal(inbox.mails[0]?.delivery.group, "group");
      }
    });

    it("can be sent to by a node that is in none", async () => {
      const { inbox } = await stage.actor(stage.other, "group");
      await stage.one.groupSend("group", { type: "hello" });
      await inbox.next("hello");
    });

    it("may be empty", async () => {
      await stage.one.groupSend("nobody", { type: "x" });
      const { channel } = await stage.actor(stage.one, "nobody");
      await stage.one.groupDiscard("nobody", channel);
      await stage.one.groupSend("nobody", { type: "x" });
      assert.deepEqual(stage.one.counters().dropped, {});
    });

    it("are apart from each other, also where one name begins like another", async () => {
      const group = await stage.actor(stage.one, "group");
      const longer = await stage.actor(stage.one, "group2");
      const both = await stage.actor(stage.one, "group", "group2");
      await stage.other.groupSend("group", { type: "for-group" });
      await stage.other.groupSend("group2", { type: "for-group2" });
      await stage.other.groupSend("group", { type: "end" });
      await stage.other.groupSend("group2", { type: "end" });
      await group.inbox.next("end");
      await longer.inbox.next("end");
      await both.inbox.until(() => both.inbox.mails.length === 4);
      assert.deepEqual(group.inbox.types, ["for-group", "end"]);
      assert.deepEqual(longer.inbox.types, ["for-group2", "end"]);
      for (const { message, delivery } of both.inbox.mails) {
        if (message.type !== "end") assert.equal(`for-${delivery.group}`, message.type);
      }
    });

    it("are apart from those of the same name in another world", async () => {
      const stranger = await stage.actor(await stage.startNode("spec-elsewhere"), "group");
      const { inbox } = await stage.actor(stage.one, "group");
      await stage.other.groupSend("group", { type: "hello" });
      await inbox.next("hello");
      await (await stage.startNode("spec-elsewhere")).groupSend("group", { type: "end" });
      await stranger.inbox.next("end");
      assert.deepEqual(stranger.inbox.types, ["end"]);
      assert.deepEqual(inbox.types, ["hello"]);
    });

    it("get one sender's messages in the order sent, whoever else is sending", async () => {
      const near = await stage.actor(stage.one, "group", "another");
      const far = await stage.actor(stage.other, "group", "another");
      const sending = numbers.flatMap((number) => [
        stage.one.groupSend("group", { type: "one", number }),
        stage.other.groupSend("group", { type: "other", number }),
        stage.one.groupSend("another", { type: "another", number }),
      ]);
      await Promise.all(sending);
      for (const { inbox } of [near, far]) {
        await inbox.until(() => inbox.mails.length === 3 * count);
        for (const sender of ["one", "other", "another"]) {
          const received = inbox.messages.filter(({ type }) => type === sender);
          assert.deepEqual(
            received.map(({ number }) => number),
            numbers,
          );
        }
      }
    });

    it("leave out the channel in `except`, on whatever node it is", async () => {
      const near = await stage.actor(stage.one, "group");
      const far = await stage.actor(stage.other, "group");
      await stage.one.groupSend("group", { type: "not-near" }, { except: near.channel });
      await stage.one.groupSend("group", { type: "not-far" }, { except: far.channel });
      await stage.one.groupSend("group", { type: "all" }, { except: `${stage.one.node}!nobody` });
      await near.inbox.next("all");
      await far.inbox.next("all");
      assert.deepEqual(near.inbox.types, ["not-far", "all"]);
      assert.deepEqual(far.inbox.types, ["not-near", "all"]);
      assert.deepEqual(near.inbox.messages[0], { type: "not-far" });
    });

    it("deliver nothing before groupSend has returned and its turn is over", async () => {
      const { channel, inbox } = await stage.actor(stage.one, "group");
      void stage.one.groupSend("group", { type: "end" });
      void stage.one.send(channel, { type: "end" });
      for (let microtasks = 0; microtasks < 100; microtasks += 1) {
        assert.deepEqual(inbox.types, []);
        await undefined;
      }
      await inbox.next("end");
    });

    it("leave the event loop its turns while two members answer each other without end", async () => {
      const channels = await Promise.all(
        [0, 1].map((own) => {
          const answer = () => void stage.one.send(channels[1 - own] ?? "", { type: "ball" }).catch(() => {});
          return stage.one.newChannel({ deliver: answer, gap() {} });
        }),
      );
      await stage.one.send(channels[0] ?? "", { type: "ball" });
      for (let turns = 0; turns < 20; turns += 1) await new Promise((resolve) => setTimeout(resolve, 0));
      await stage.one.close();
    });
  });
}
