import assert from "node:assert/strict";
import type { Suite } from "../test-nodes.ts";

const garbage: Record<string, string> = {
  empty: "",
  "a number": "2a",
  "an array": "91a474797065",
  "a map without a type": "81a178a179",
  "a map with an empty type": "81a474797065a0",
  "a map whose type is not a string": "81a474797065c0",
  "a map followed by another byte": "81a474797065a178c0",
  "a truncated map": "81a474797065a5787878",
  "a map longer than the payload": "dfffffffff",
  "a map with a key that is not a string": "82a474797065a178c0c0",
  "an invalid byte": "c1",
  "undefined as an extension": "82a474797065a178a161d40000",
  "a date": "82a474797065a178a161d6ff00000000",
  "a set": "82a474797065a178a161d473009101",
  "a regular expression": "82a474797065a178a161d4780092a178a0",
  "a record": "82a474797065a178a161d4724091a16201",
  "a reference": "82a474797065a178a161d6690000000191d67000000001",
  "nested 101 levels deep": `82a474797065a178a161${"91".repeat(100)}c0`,
  "nested 200,000 levels deep": "91".repeat(200_000),
  "a map whose envelope is not a map": "82a474797065a178ad5f5f677265656e726f6f6d5f5f01",
};

const end = "81a474797065a3656e64";

export function describeArrivals({ describe, it, nodes }: Suite): void {
  const publish = (hex: string) => nodes.publishToGroup("group", Buffer.from(hex, "hex"));

  describe("a payload of a foreign program", () => {
    it("is delivered if it is plain msgpack, also if its type contains a dot", async () => {
      const { inbox } = await nodes.addChannel(nodes.one, "group");
      // Python: msgpack.packb({"type": "room.message", "message": "hi"})
      await publish("82a474797065ac726f6f6d2e6d657373616765a76d657373616765a26869");
      assert.deepEqual(await inbox.next("room.message"), { type: "room.message", message: "hi" });
    });

    for (const [fault, hex] of Object.entries(garbage)) {
      it(`is dropped and counted as garbage if it is ${fault}`, async () => {
        const { channel, inbox } = await nodes.addChannel(nodes.one, "group");
        await publish(hex);
        await nodes.publishToNode(nodes.one, Buffer.from(hex, "hex"));
        await publish(end);
        await nodes.one.send(channel, { type: "direct end" });
        await Promise.all([inbox.next("end"), inbox.next("direct end")]);
        assert.equal(inbox.mails.length, 2);
        assert.equal(nodes.one.counters().dropped.garbage, 2);
        assert.equal(nodes.errors.length, 2);
      });
    }

    it("is dropped and counted as garbage if it is longer than 1 MiB", async () => {
      const { inbox } = await nodes.addChannel(nodes.one, "group");
      await publish(`82a474797065a178a56279746573c600100000${"00".repeat(1024 * 1024)}`);
      await publish(end);
      await inbox.next("end");
      assert.deepEqual(inbox.types, ["end"]);
      assert.equal(nodes.one.counters().dropped.garbage, 1);
    });

    it('is dropped and counted as a refused type if its type begins with "xstate."', async () => {
      const { inbox } = await nodes.addChannel(nodes.one, "group");
      await publish("81a474797065ab7873746174652e73746f70");
      await publish(end);
      await inbox.next("end");
      assert.deepEqual(inbox.types, ["end"]);
      assert.equal(nodes.one.counters().dropped["refused-type"], 1);
    });

    it("cannot set the prototype of a message", async () => {
      const { inbox } = await nodes.addChannel(nodes.one, "group");
      // {"type": "x", "__proto__": {"polluted": true}}
      await publish("82a474797065a178a95f5f70726f746f5f5f81a8706f6c6c75746564c3");
      const message = await inbox.next("x");
      assert.equal(Object.getPrototypeOf(message), Object.prototype);
      assert.equal(message.polluted, undefined);
      assert.equal(({} as { polluted?: unknown }).polluted, undefined);
    });

    it("is delivered without the layer's own key", async () => {
      const { inbox } = await nodes.addChannel(nodes.one, "group");
      // {"type": "x", "__greenroom__": {"new": 1}}
      await publish("82a474797065a178ad5f5f677265656e726f6f6d5f5f81a36e657701");
      assert.deepEqual(await inbox.next("x"), { type: "x" });
    });

    it("has no id unless the id is a text", async () => {
      const { inbox } = await nodes.addChannel(nodes.one, "group");
      // {"type": "x", "__greenroom__": {"id": 1}}
      await publish("82a474797065a178ad5f5f677265656e726f6f6d5f5f81a2696401");
      await inbox.next("x");
      assert.equal(inbox.mails[0]?.delivery.group, "group");
      assert.equal("id" in (inbox.mails[0]?.delivery ?? {}), false);
    });
  });
}
