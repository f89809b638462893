import assert from "node:assert/strict";
import { InvalidNameError } from "../../errors.ts";
import type { Suite } from "../test-nodes.ts";

const good = ["a", "Z", "0", "room_general", "A-b_c.9", "...", "x".repeat(99)];
const bad = ["", "x".repeat(100), "room 1", "a/b", "a:b", "a*", "größe", "a\n", "a\u0000", "日本"];
const notStrings = [undefined, null, 7, {}, ["a"]];

export function describeNames({ describe, it, nodes }: Suite): void {
  describe("the rule for names", () => {
    for (const name of good) {
      it(`allows the group name ${JSON.stringify(name)}`, async () => {
        const { channel, inbox } = await nodes.addChannel(nodes.one, name);
        await nodes.other.groupSend(name, { type: "end" });
        await inbox.next("end");
        await nodes.one.groupDiscard(name, channel);
      });
    }

    it("refuses other group names", async () => {
      const { channel } = await nodes.addChannel(nodes.one);
      for (const name of [...bad, "a!b", ...notStrings] as string[]) {
        await assert.rejects(nodes.one.groupAdd(name, channel), InvalidNameError);
        await assert.rejects(nodes.one.groupDiscard(name, channel), InvalidNameError);
        await assert.rejects(nodes.one.groupSend(name, { type: "x" }), InvalidNameError);
        await assert.rejects(nodes.one.history(name), InvalidNameError);
      }
    });

    it("refuses other channel names", async () => {
      for (const name of [...bad, "a!b!c", "!", "a!", "!b", ...notStrings] as string[]) {
        await assert.rejects(nodes.one.send(name, { type: "x" }), InvalidNameError);
        await assert.rejects(nodes.one.deleteChannel(name), InvalidNameError);
        await assert.rejects(nodes.one.groupAdd("group", name), InvalidNameError);
        await assert.rejects(nodes.one.groupDiscard("group", name), InvalidNameError);
        if (name === undefined) continue;
        await assert.rejects(nodes.one.groupSend("group", { type: "x" }, { except: name }), InvalidNameError);
      }
    });

    it("is stated by the error, which truncates a long name", async () => {
      await assert.rejects(nodes.one.groupSend("ö".repeat(5_000), { type: "x" }), (error: Error) => {
        assert.match(error.message, /1 to 99 ASCII letters, digits/);
        assert.match(error.message, /5000 characters/);
        assert.ok(error.message.length < 250, error.message);
        return true;
      });
    });

    it("holds for new channels, whose names contain one '!' and are unique", async () => {
      const places = [nodes.one, nodes.other, nodes.one, nodes.other, nodes.one];
      const added = await Promise.all(places.map((node) => nodes.addChannel(node)));
      const channels = added.map(({ channel }) => channel);
      for (const channel of channels) assert.match(channel, /^(?=.{1,99}$)[A-Za-z0-9._-]+![A-Za-z0-9._-]+$/);
      assert.equal(new Set(channels).size, channels.length);
    });
  });
}
