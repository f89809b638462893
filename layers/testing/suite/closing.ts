import assert from "node:assert/strict";
import type { ChannelLayer } from "../../channel-layer.ts";
import { LayerClosedError } from "../../errors.ts";
import { numbers } from "../numbered-jobs.ts";
import { Recorder } from "../recorder.ts";
import type { Suite } from "../test-nodes.ts";

/** Calls each method. `flush` is the last one, because it deletes the channels that the others use. */
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

export function describeClosing({ describe, it, nodes }: Suite): void {
  describe("closing", () => {
    for (const [name, call] of Object.entries(everyMethod)) {
      it(`makes ${name} reject with LayerClosedError`, async () => {
        const { channel } = await nodes.addChannel(nodes.one, "group");
        const closing = nodes.one.close();
        await assert.rejects(call(nodes.one, channel), LayerClosedError);
        await closing;
        await assert.rejects(call(nodes.one, channel), LayerClosedError);
      });
    }

    it("succeeds when repeated, also concurrently", async () => {
      await Promise.all([nodes.one.close(), nodes.one.close()]);
      await nodes.one.close();
    });

    it("succeeds before and during opening", async () => {
      const unopened = await nodes.startNode();
      await unopened.close();
      await assert.rejects(unopened.ready(), LayerClosedError);
      const opening = await nodes.startNode();
      const calls = [opening.ready(), opening.newChannel(new Recorder()), opening.flush()];
      const outcomes = Promise.allSettled(calls);
      await opening.close();
      for (const outcome of await outcomes) {
        assert.ok(outcome.status === "rejected" && outcome.reason instanceof LayerClosedError);
      }
    });

    it("sends the messages of a layer that has not opened yet, and counts them", async () => {
      const { channel, inbox } = await nodes.addChannel(nodes.other, "group");
      const opening = await nodes.startNode();
      const sends = numbers(1, 20).flatMap((number) => [
        opening.groupSend("group", { type: "message", number }),
        opening.send(channel, { type: "direct", number }),
      ]);
      const joining = assert.rejects(opening.newChannel(new Recorder()), LayerClosedError);
      await opening.close();
      await Promise.all(sends);
      await joining;
      await inbox.until(() => inbox.mails.length === 40);
      for (const type of ["message", "direct"]) {
        const arrived = inbox.messages.filter((message) => message.type === type);
        assert.deepEqual(
          arrived.map(({ number }) => number),
          numbers(1, 20),
        );
      }
      const { published, dropped } = opening.counters();
      assert.deepEqual({ published, dropped }, { published: 40, dropped: {} });
    });

    it("settles every pending call, with success or LayerClosedError", async () => {
      const methods = Object.values(everyMethod);
      const actors = await Promise.all(methods.map(() => nodes.addChannel(nodes.one)));
      const { channel: leaving } = await nodes.addChannel(nodes.one, "left");
      const calls: Promise<unknown>[] = [
        nodes.one.groupDiscard("left", leaving),
        nodes.one.groupAdd("left", leaving),
        ...methods.map((call, index) => call(nodes.one, actors[index]?.channel ?? "")),
      ];
      const outcomes = Promise.allSettled(calls);
      await nodes.one.close();
      for (const outcome of await outcomes) {
        if (outcome.status === "rejected")
          assert.ok(outcome.reason instanceof LayerClosedError, outcome.reason);
      }
    });

    it("delivers messages that were sent before it", async () => {
      const { inbox } = await nodes.addChannel(nodes.other, "group");
      const sending = nodes.one.groupSend("group", { type: "last words" });
      await nodes.one.close();
      await sending;
      await inbox.next("last words");
    });

    it("stops delivery at once, on its own node only", async () => {
      const gone = await nodes.addChannel(nodes.one, "group");
      const { inbox } = await nodes.addChannel(nodes.other, "group");
      const sending = nodes.other.groupSend("group", { type: "late" });
      await Promise.all([sending, nodes.one.close()]);
      await nodes.other.groupSend("group", { type: "end" });
      await inbox.next("end");
      assert.deepEqual(gone.inbox.types, []);
      assert.deepEqual(inbox.types, ["late", "end"]);
    });

    it("reports no gap to members", async () => {
      const gone = await nodes.addChannel(nodes.one, "group");
      await nodes.one.close();
      assert.deepEqual(gone.inbox.gaps, []);
      assert.deepEqual(nodes.errors, []);
    });
  });
}
