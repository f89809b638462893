import assert from "node:assert/strict";
import type { ChannelLayer } from "../../channel-layer.ts";
import { LayerClosedError } from "../../errors.ts";
import { Recorder } from "../recorder.ts";
import type { Stage } from "../stage.ts";

/** In an order in which none makes another one fail: what flush deletes comes before it. */
const everyMethod: Record<string, (layer: ChannelLayer, channel: string) => Promise<unknown>> = {
  ready: (layer) => layer.ready(),
  newChannel: (layer) => layer.newChannel(new Recorder()),
  deleteChannel: (layer, channel) => layer.deleteChannel(channel),
  send: (layer, channel) => layer.send(channel, { type: "x" }),
  groupAdd: (layer, channel) => layer.groupAdd("group", channel),
  groupDiscard: (layer, channel) => layer.groupDiscard("group", channel),
  groupSend: (layer) => layer.groupSend("group", { type: "x" }),
  flush: (layer) => layer.flush(),
};

export function describeClosing(stage: Stage): void {
  describe("closing", () => {
    for (const [name, call] of Object.entries(everyMethod)) {
      it(`makes ${name} reject with LayerClosedError`, async () => {
        const { channel } = await stage.actor(stage.one, "group");
        const closing = stage.one.close();
        await assert.rejects(call(stage.one, channel), LayerClosedError);
        await closing;
        await assert.rejects(call(stage.one, channel), LayerClosedError);
      });
    }

    it("may happen twice, also at once", async () => {
      await Promise.all([stage.one.close(), stage.one.close()]);
      await stage.one.close();
    });

    it("may come before opening, or in the middle of it", async () => {
      const unopened = await stage.startNode();
      await unopened.close();
      await assert.rejects(unopened.ready(), LayerClosedError);
      const opening = await stage.startNode();
      const calls = [opening.ready(), opening.groupSend("group", { type: "x" })];
      const outcomes = Promise.allSettled(calls);
      await opening.close();
      for (const outcome of await outcomes) {
        assert.ok(outcome.status === "rejected" && outcome.reason instanceof LayerClosedError);
      }
    });

    it("settles whatever is pending, with success or LayerClosedError", async () => {
      const methods = Object.values(everyMethod);
      const actors = await Promise.all(methods.map(() => stage.actor(stage.one)));
      const { channel: leaving } = await stage.actor(stage.one, "left");
      const calls: Promise<unknown>[] = [
        stage.one.groupDiscard("left", leaving),
        stage.one.groupAdd("left", leaving),
        ...methods.map((call, index) => call(stage.one, actors[index]?.channel ?? "")),
      ];
      const outcomes = Promise.allSettled(calls);
      await stage.one.close();
      for (const outcome of await outcomes) {
        if (outcome.status === "rejected")
          assert.ok(outcome.reason instanceof LayerClosedError, outcome.reason);
      }
    });

    it("lets what was sent before go out", async () => {
      const { inbox } = await stage.actor(stage.other, "group");
      const sending = stage.one.groupSend("group", { type: "last words" });
      await stage.one.close();
      await sending;
      await inbox.next("last words");
    });

    it("ends delivery at once, on that node alone", async () => {
      const gone = await stage.actor(stage.one, "group");
      const { inbox } = await stage.actor(stage.other, "group");
      const sending = stage.other.groupSend("group", { type: "late" });
      await Promise.all([sending, stage.one.close()]);
      await stage.other.groupSend("group", { type: "end" });
      await inbox.next("end");
      assert.deepEqual(gone.inbox.types, []);
      assert.deepEqual(inbox.types, ["late", "end"]);
    });

    it("tells members nothing of a gap", async () => {
      const gone = await stage.actor(stage.one, "group");
      await stage.one.close();
      assert.deepEqual(gone.inbox.gaps, []);
      assert.deepEqual(stage.errors, []);
    });
  });
}
