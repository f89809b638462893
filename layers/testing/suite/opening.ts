import assert from "node:assert/strict";
import { numbers } from "../numbered-jobs.ts";
import { Recorder } from "../recorder.ts";
import type { Suite } from "../test-nodes.ts";

export function describeOpening({ describe, it, nodes }: Suite): void {
  describe("opening", () => {
    it("happens by itself, and calls made before it take effect in order", async () => {
      const { inbox } = await nodes.addChannel(nodes.one, "group");
      const late = await nodes.startNode();
      // This call may be made while the calls below still wait for the layer to open.
      void late.ready().then(() => late.groupSend("group", { type: "message", number: 51 }));
      await Promise.all(numbers(1, 50).map((number) => late.groupSend("group", { type: "message", number })));
      await inbox.until(() => inbox.mails.length === 51);
      assert.deepEqual(inbox.numbers, numbers(1, 51));
    });

    it("delivers a message as it was when groupSend was called", async () => {
      const { inbox } = await nodes.addChannel(nodes.one, "group");
      const late = await nodes.startNode();
      const message = { type: "message", list: [1] };
      const sending = late.groupSend("group", message);
      message.list.push(2);
      await sending;
      assert.deepEqual((await inbox.next("message")).list, [1]);
    });

    it("succeeds when requested any number of times", async () => {
      const late = await nodes.startNode();
      await Promise.all([late.ready(), late.ready(), late.newChannel(new Recorder())]);
      await late.ready();
    });

    it("is not needed to read the capabilities", async () => {
      const { capabilities } = await nodes.startNode();
      const { delivery, crossProcess, history, workers, state } = capabilities;
      assert.ok(delivery === "at-most-once" || delivery === "once-or-gap", delivery);
      for (const isThere of [crossProcess, history, workers, state]) assert.equal(typeof isThere, "boolean");
    });

    it("shows in the health, with the reason if the layer is not open", async () => {
      const late = await nodes.startNode();
      assert.deepEqual(late.health, { ok: false, reason: "The layer is not open yet." });
      await late.ready();
      assert.deepEqual(late.health, { ok: true });
      await late.close();
      assert.deepEqual(late.health, { ok: false, reason: "The layer is closed." });
    });
  });
}
