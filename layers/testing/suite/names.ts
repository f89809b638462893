import assert from "node:assert/strict";
import { InvalidNameError } from "../../errors.ts";
import type { Stage } from "../stage.ts";

const good = ["a", "Z", "0", "room_general", "A-b_c.9", "...", "x".repeat(99)];
const bad = ["", "x".repeat(100), "room 1", "a/b", "a:b", "a*", "größe", "a\n", "a\u0000", "日本"];
const notStrings = [undefined, null, 7, {}, ["a"]];

export function describeNames(stage: Stage): void {
  describe("names", () => {
    for (const name of good) {
      it(`takes the group name ${JSON.stringify(name)}`, async () => {
        const { channel, inbox } = await stage.actor(stage.one, name);
        await stage.other.groupSend(name, { type: "end" });
        await inbox.next("end");
        await stage.one.groupDiscard(name, channel);
      });
    }

    it("refuses other names for groups", async () => {
      const { channel } = await stage.actor(stage.one);
      for (const name of [...bad, "a!b", ...notStrings] as string[]) {
        await assert.rejects(stage.one.groupAdd(name, channel), InvalidNameError);
        await assert.rejects(stage.one.groupDiscard(name, channel), InvalidNameError);
        await assert.rejects(stage.one.groupSend(name, { type: "x" }), InvalidNameError);
        await assert.rejects(stage.one.history(name), InvalidNameError);
      }
    });

    it("refuses other names for channels", async () => {
      for (const name of [...bad, "a!b!c", "!", "a!", "!b", ...notStrings] as string[]) {
        await assert.rejects(stage.one.send(name, { type: "x" }), InvalidNameError);
        await assert.rejects(stage.one.deleteChannel(name), InvalidNameError);
        await assert.rejects(stage.one.groupAdd("group", name), InvalidNameError);
        await assert.rejects(stage.one.groupDiscard("group", name), InvalidNameError);
        if (name === undefined) continue;
        await assert.rejects(stage.one.groupSend("group", { type: "x" }, { except: name }), InvalidNameError);
      }
    });

    it("says the rule, and shows a long name shortened", async () => {
      await assert.rejects(stage.one.groupSend("ö".repeat(5_000), { type: "x" }), (error: Error) => {
        assert.match(error.message, /1 to 99 ASCII letters, digits/);
        assert.match(error.message, /5000 characters/);
        assert.ok(error.message.length < 250, error.message);
        return true;
      });
    });

    it("gives channels that keep the rule, hold one '!', and are never the same", async () => {
      const nodes = [stage.one, stage.other, stage.one, stage.other, stage.one];
      const actors = await Promise.all(nodes.map((node) => stage.actor(node)));
      const channels = actors.map(({ channel }) => channel);
      for (const channel of channels) assert.match(channel, /^(?=.{1,99}$)[A-Za-z0-9._-]+![A-Za-z0-9._-]+$/);
      assert.equal(new Set(channels).size, channels.length);
    });
  });
}
