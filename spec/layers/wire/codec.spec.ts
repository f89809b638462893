import { expect } from "chai";
import fc from "fast-check";
import { InvalidMessageError } from "../../../layers/errors.ts";
import { decode, encode, maxPayloadBytes, reservedKey } from "../../../layers/wire/codec.ts";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const fromHex = (text: string) => Buffer.from(text, "hex");

/** All values of a message, except those that arrive in another form, which have their own specs. */
const values = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.constantFrom(null, true, false),
    fc.maxSafeInteger(),
    fc.double().map((number) => (Object.is(number, -0) ? 0 : number)),
    fc.bigInt({ min: 2n ** 53n + 1n, max: 2n ** 64n - 1n }),
    fc.bigInt({ min: -(2n ** 63n), max: -(2n ** 53n) - 1n }),
    fc.string({ unit: "binary" }),
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    fc.array(tie("value")),
    fc.dictionary(keys(), tie("value"), { noNullPrototype: true }),
  ),
}));

function keys(): fc.Arbitrary<string> {
  return fc.string({ unit: "binary" }).filter((key) => key !== "__proto__" && key !== reservedKey);
}

describe("codec", () => {
  it("round-trips every message and envelope", () => {
    const payloads = fc.dictionary(keys(), values.value, { noNullPrototype: true });
    const types = fc.string({ minLength: 1 }).filter((type) => !type.startsWith("xstate."));
    const envelopes = fc.constantFrom(undefined, { to: "a!b" }, { except: "a!b" });
    fc.assert(
      fc.property(payloads, types, envelopes, (payload, type, envelope) => {
        const message = { ...payload, type };
        expect(decode(encode(message, envelope))).to.deep.equal({ message, envelope });
      }),
      { numRuns: 300 },
    );
  });

  it("decodes arbitrary bytes to a message or throws a RangeError", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          decode(bytes);
        } catch (error) {
          expect(error).to.be.instanceOf(RangeError);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it("throws only RangeError for truncated and modified messages", () => {
    const whole = encode({ type: "x", list: [1, { deep: "text" }, Buffer.from("bytes")], big: 2n ** 60n });
    for (let index = 0; index < whole.length; index += 1) {
      expect(() => decode(whole.subarray(0, index))).to.throw(RangeError);
      for (let byte = 0; byte < 256; byte += 1) {
        const changed = Buffer.from(whole);
        changed[index] = byte;
        try {
          decode(changed);
        } catch (error) {
          expect(error).to.be.instanceOf(RangeError);
        }
      }
    }
  });

  it("refuses adversarial bytes quickly", () => {
    const head = fromHex("82a474797065a178a161");
    for (const byte of [0x91, 0x81, 0xdd, 0xdf, 0xdb, 0xc7, 0xd4, 0xa1]) {
      const bytes = Buffer.concat([head, Buffer.alloc(maxPayloadBytes - head.length, byte)]);
      expect(() => decode(bytes)).to.throw(RangeError);
    }
  });

  it("refuses more than 100,000 objects and arrays, before it decodes them", () => {
    for (const [kind, byte, item] of [
      ["maps", 0x80, {}],
      ["arrays", 0x90, []],
    ] as const) {
      const payloadWith = (count: number) => {
        const head = fromHex("82a474797065a178a161dd00000000");
        head.writeUInt32BE(count, head.length - 4);
        return Buffer.concat([head, Buffer.alloc(count, byte)]);
      };
      // The message and the list are two of them.
      expect(decode(payloadWith(99_998)).message.a, kind).to.have.length(99_998);
      expect(() => decode(payloadWith(99_999)), kind).to.throw(RangeError, "too many maps and arrays");
      const messageWith = (count: number) => ({ type: "x", a: Array.from({ length: count }, () => item) });
      expect(encode(messageWith(99_998)), kind).to.deep.equal(payloadWith(99_998));
      expect(() => encode(messageWith(99_999)), kind).to.throw(
        InvalidMessageError,
        'A message has at most 100000 objects and arrays: "x" has more.',
      );
    }
  });

  it("encodes and decodes the same bytes as Python's msgpack", () => {
    // msgpack.packb(…) of the same values, in the same order.
    const pairs: [object, string][] = [
      [
        { type: "room.message", message: "hi" },
        "82a474797065ac726f6f6d2e6d657373616765a76d657373616765a26869",
      ],
      [
        { type: "x", list: [1, -1, true, null, 1.5, "é"], bytes: Buffer.from([0, 255]) },
        "83a474797065a178a46c6973749601ffc3c0cb3ff8000000000000a2c3a9a56279746573c40200ff",
      ],
    ];
    for (const [message, bytes] of pairs) {
      expect(hex(encode(message))).to.equal(bytes);
      expect(decode(fromHex(bytes)).message).to.deep.equal(message);
    }
  });

  it("encodes large integers as integers", () => {
    expect(hex(encode({ type: "x", at: 1_700_000_000_000 }))).to.equal(
      "82a474797065a178a26174d30000018bcfe56800",
    );
  });

  it("decodes 64-bit integers as numbers up to 2^53, and as bigints beyond", () => {
    const read = (bytes: string) => decode(fromHex(`82a474797065a178a16e${bytes}`)).message.n;
    expect(read("cf0020000000000000")).to.equal(2 ** 53);
    expect(read("cf0020000000000001")).to.equal(2n ** 53n + 1n);
    expect(read("d3ffe0000000000000")).to.equal(-(2 ** 53));
    expect(read("d3ffdfffffffffffff")).to.equal(-(2n ** 53n) - 1n);
  });

  it("round-trips lists and maps of more than 65,535 entries", () => {
    const entries = Array.from({ length: 70_000 }, (_, index) => [index.toString(36), index]);
    const map = Object.fromEntries(entries);
    const list = Array.from(entries, () => 0);
    const { message } = decode(encode({ type: "x", map, list }));
    expect(message.list).to.have.length(70_000);
    expect(Object.entries(message.map as object)).to.have.length(70_000);
    expect((message.map as Record<string, number>)[(69_999).toString(36)]).to.equal(69_999);
  });

  it("includes the envelope in the size limit", () => {
    const message = { type: "x", bytes: new Uint8Array(maxPayloadBytes - 19) };
    expect(encode(message)).to.have.length(maxPayloadBytes);
    expect(() => encode(message, { to: "a!b" })).to.throw(InvalidMessageError, "1048576 bytes");
  });

  it("does not modify the sender's message", () => {
    const message = Object.freeze({
      type: "x",
      at: 2 ** 40,
      text: "\ud83d",
      inner: Object.freeze([2 ** 40]),
    });
    encode(message);
    expect(message).to.deep.equal({ type: "x", at: 2 ** 40, text: "\ud83d", inner: [2 ** 40] });
  });

  it("names the fault of an invalid message and its key", () => {
    const refusals: [unknown, string][] = [
      [[], "A message must be a plain object with a `type`."],
      [{ type: "" }, "A message must have a `type`: a string that is not empty."],
      [
        { type: "xstate.stop" },
        'Message types that begin with "xstate." belong to XState: rename "xstate.stop".',
      ],
      [
        { type: "x", [reservedKey]: 1 },
        'The key "__greenroom__" is reserved for the layer: use another one.',
      ],
      [{ type: "x", inner: { at: new Date() } }, '"at" is an instance of Date.'],
      [{ type: "x", run: () => {} }, '"run" is a function.'],
      [{ type: "x", n: 2n ** 64n }, '"n" is a bigint of more than 64 bits.'],
      [
        { type: "x", bytes: new Uint8Array(maxPayloadBytes) },
        'at most 1048576 bytes long when encoded: "x" has',
      ],
    ];
    for (const [message, text] of refusals) {
      expect(() => encode(message as object)).to.throw(InvalidMessageError, text);
    }
  });
});
