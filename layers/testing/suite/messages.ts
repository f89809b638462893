import assert from "node:assert/strict";
import { InvalidMessageError } from "../../errors.ts";
import type { AnyMessages, Message, MessageOf } from "../../message.ts";
import type { Suite } from "../test-nodes.ts";

const mebibyte = 1024 * 1024;

export function describeMessages({ describe, it, nodes }: Suite): void {
  async function delivered(payload: Record<string, unknown>): Promise<Message> {
    const { inbox } = await nodes.addChannel(nodes.other, "group");
    await nodes.one.groupSend("group", { ...payload, type: "message" });
    return inbox.next("message");
  }

  /** A message whose payload is `size` bytes long, of which keys, type and headers take 22 bytes. */
  const ofSize = (size: number) => ({ type: "size", bytes: new Uint8Array(size - 22) });

  async function assertRefused(message: unknown): Promise<void> {
    const sent = message as MessageOf<AnyMessages>;
    const { channel } = await nodes.addChannel(nodes.one);
    await assert.rejects(nodes.one.groupSend("group", sent), InvalidMessageError);
    await assert.rejects(nodes.one.send(channel, sent), InvalidMessageError);
  }

  describe("a message", () => {
    const unchanged: Record<string, Record<string, unknown>> = {
      "an empty payload": {},
      "null and booleans": { nothing: null, yes: true, no: false },
      "integers up to 2^53": { values: [0, 1, -1, 127, 128, -129, 65_536, 2 ** 32, -(2 ** 40), 2 ** 53 - 1] },
      "other numbers": { values: [0.5, -1e300, 2 ** 60, Number.NaN, Number.POSITIVE_INFINITY] },
      "integers beyond 2^53, as bigints": { values: [2n ** 53n + 1n, -(2n ** 63n), 2n ** 64n - 1n] },
      "texts of any script": {
        texts: ["", "hello", "größe", "日本語", "👩‍👩‍👧", "\u0000", "x".repeat(70_000)],
      },
      "nested arrays and objects": { list: [[], {}, [{ deep: [{ deeper: null }] }]], "": { "a key": 1 } },
      "keys that objects inherit": {
        constructor: 1,
        hasOwnProperty: 2,
        toString: "x",
        valueOf: {},
        toJSON: 3,
      },
      "many keys": Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`key${index}`, index])),
    };
    for (const [content, payload] of Object.entries(unchanged)) {
      it(`carries ${content}`, async () => {
        assert.deepEqual(await delivered(payload), { ...payload, type: "message" });
      });
    }

    it("omits undefined properties", async () => {
      const message = await delivered({ gone: undefined, inner: { gone: undefined, here: 1 } });
      assert.deepEqual(message, { type: "message", inner: { here: 1 } });
    });

    it("carries bytes as bytes, in their own memory", async () => {
      const bytes = Buffer.from("0001feff", "hex");
      const message = await delivered({ bytes, view: new Uint8Array(bytes.buffer, bytes.byteOffset, 2) });
      for (const [key, expected] of Object.entries({ bytes: "0001feff", view: "0001" })) {
        const arrived = message[key];
        assert.ok(arrived instanceof Uint8Array);
        assert.equal(Buffer.from(arrived).toString("hex"), expected);
        assert.equal(arrived.buffer.byteLength, arrived.byteLength, "it holds on to a larger buffer");
      }
    });

    it("has lone surrogates replaced, as on a WebSocket", async () => {
      const message = await delivered({ text: "cut \ud83d", list: ["\udc00"] });
      assert.deepEqual(message, { type: "message", text: "cut \ufffd", list: ["\ufffd"] });
    });

    it("is delivered as it was when groupSend was called", async () => {
      const { inbox } = await nodes.addChannel(nodes.other, "group");
      const message = { type: "message", list: [1] };
      const sending = nodes.one.groupSend("group", message);
      message.list.push(2);
      await sending;
      assert.deepEqual((await inbox.next("message")).list, [1]);
    });

    it("is one deep-frozen object for all members on a node", async () => {
      const first = await nodes.addChannel(nodes.other, "group");
      const second = await nodes.addChannel(nodes.other, "group");
      await nodes.one.groupSend("group", { type: "message", list: [{ deep: {} }] });
      const message = await first.inbox.next("message");
      await second.inbox.next("message");
      assert.equal(first.inbox.mails[0], second.inbox.mails[0]);
      const [item] = message.list as { deep: object }[];
      const [mail] = first.inbox.mails;
      for (const part of [mail, mail?.delivery, message, message.list, item, item?.deep])
        assert.ok(Object.isFrozen(part));
    });

    it("carries 1 MiB, and is refused if it is one byte longer", async () => {
      const { inbox } = await nodes.addChannel(nodes.other, "group");
      await nodes.one.groupSend("group", ofSize(mebibyte));
      await inbox.next("size");
      await assertRefused(ofSize(mebibyte + 1));
    });

    it("carries 100 levels, and is refused if it has one more, or a cycle", async () => {
      const nested = (levels: number): unknown => (levels === 0 ? null : { inner: nested(levels - 1) });
      assert.deepEqual((await delivered({ nested: nested(99) })).nested, nested(99));
      await assertRefused({ type: "x", nested: nested(100) });
      const circle: Record<string, unknown> = { type: "x" };
      circle.self = circle;
      await assertRefused(circle);
    });

    it("is refused if it is not a plain object with a type", async () => {
      class Message {
        readonly type = "x";
      }
      const typeless = [{}, ...["", 1, null, ["x"]].map((type) => ({ type })), Object.create({ type: "x" })];
      for (const message of [undefined, null, "x", 1, [], new Map(), new Message(), ...typeless])
        await assertRefused(message);
    });

    it("is refused if it has a value that would not arrive unchanged", async () => {
      const values = [
        new Date(),
        new Map(),
        new Set(),
        /x/,
        new Error("x"),
        () => {},
        Symbol("x"),
        2n ** 64n,
      ];
      const classes = [new URL("a:b"), new Float64Array(1), new ArrayBuffer(1), new (class Mine {})()];
      for (const value of [...values, ...classes]) {
        await assertRefused({ type: "x", value });
        await assertRefused({ type: "x", inner: [{ value }] });
      }
      await assertRefused(JSON.parse('{"type":"x","inner":{"__proto__":{"polluted":true}}}'));
    });

    it('is refused if its type begins with "xstate."', async () => {
      for (const type of ["xstate.stop", "xstate.done.actor.x", "xstate."]) await assertRefused({ type });
      const { inbox } = await nodes.addChannel(nodes.one, "group");
      await nodes.one.groupSend("group", { type: "xstate" });
      await inbox.next("xstate");
    });

    it("is refused if it has the layer's own key", async () => {
      await assertRefused({ type: "x", __greenroom__: { except: "a!b" } });
      await assertRefused({ type: "x", __greenroom__: undefined });
    });
  });
}
