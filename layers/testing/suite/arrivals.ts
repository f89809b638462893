import assert from "node:assert/strict";
import type { Suite } from "../test-nodes.ts";

/** What a broken program may publish, or an attacker: by what is wrong with it. */
const garbage: Record<string, string> = {
  nothing: "",
  "a number": "2a",
  "an array": "91a474797065",
  "a map without a type": "81a178a179",
  "a type that is empty": "81a474797065a0",
  "a type that is no text": "81a474797065c0",
  "bytes left over": "81a474797065a178c0",
  "bytes missing": "81a474797065a5787878",
  "a length beyond the end": "dfffffffff",
  "a key that is no text": "82a474797065a178c0c0",
  "a byte that means nothing": "c1",
  "undefined as an extension": "82a474797065a178a161d40000",
  "a date": "82a474797065a178a161d6ff00000000",
  "a set": "82a474797065a178a161d473009101",
  "a regular expression": "82a474797065a178a161d4780092a178a0",
  "a record": "82a474797065a178a161d4724091a16201",
  "a reference": "82a474797065a178a161d6690000000191d67000000001",
  "101 levels": `82a474797065a178a161${"91".repeat(100)}c0`,
  "nesting without end": "91".repeat(200_000),
  "an envelope that is no map": "82a474797065a178ad5f5f677265656e726f6f6d5f5f01",
};

const end = "81a474797065a3656e64";

export function describeArrivals({ describe, it, nodes }: Suite): void {
  const publish = (hex: string) => nodes.publishToGroup("group", Buffer.from(hex, "hex"));

  describe("what arrives from elsewhere", () => {
    it("is delivered if it is plain msgpack, dots in its type and all", async () => {
      const { inbox } = await nodes.addChannel(nodes.one, "group");
      // As Python's msgpack.packb({"type": "room.message", "message": "hi"}) writes it.
      await publish("82a474797065ac726f6f6d2e6d657373616765a76d657373616765a26869");
      assert.deepEqual(await inbox.next("room.message"), { type: "room.message", message: "hi" });
    });

    for (const [what, hex] of Object.entries(garbage)) {
      it(`is skipped and counted if it is ${what}`, async () => {
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

    it("is skipped and counted if it is more than 1 MiB long", async () => {
      const { inbox } = await nodes.addChannel(nodes.one, "group");
      await publish(`82a474797065a178a56279746573c600100000${"00".repeat(1024 * 1024)}`);
      await publish(end);
      await inbox.next("end");
      assert.deepEqual(inbox.types, ["end"]);
      assert.equal(nodes.one.counters().dropped.garbage, 1);
    });

    it('is dropped and counted if its type begins with "xstate."', async () => {
      const { inbox } = await nodes.addChannel(nodes.one, "group");
      await publish("81a474797065ab7873746174652e73746f70");
      await publish(end);
      await inbox.next("end");
      assert.deepEqual(inbox.types, ["end"]);
      assert.equal(nodes.one.counters().dropped["refused-type"], 1);
    });

    it("cannot change what an object is", async () => {
      const { inbox } = await nodes.addChannel(nodes.one, "group");
      // {"type": "x", "__proto__": {"polluted": true}}
      await publish("82a474797065a178a95f5f70726f746f5f5f81a8706f6c6c75746564c3");
      const message = await inbox.next("x");
      assert.equal(Object.getPrototypeOf(message), Object.prototype);
      assert.equal(message.polluted, undefined);
      assert.equal(({} as { polluted?: unknown }).polluted, undefined);
    });

    it("does not show members what belongs to the layer", async () => {
      const { inbox } = await nodes.addChannel(nodes.one, "group");
      // {"type": "x", "__greenroom__": {"new": 1}}
      await publish("82a474797065a178ad5f5f677265656e726f6f6d5f5f81a36e657701");
      assert.deepEqual(await inbox.next("x"), { type: "x" });
    });
  });
}
