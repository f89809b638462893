import { expect } from "chai";
import fc from "fast-check";
import { type Decoded, decode, encode } from "../../layers/wire/codec.ts";
import { fuzz, jsonValue } from "./support/fuzz.ts";

const bytesOf = (...bytes: readonly number[]) => Buffer.from(bytes);
const sized = (token: number, bytes: number, value: number) => {
  const head = Buffer.alloc(1 + bytes, token);
  head.writeUIntBE(value, 1, bytes);
  return head;
};

/** The beginnings of values in msgpack, true or false to their lengths. */
const token = fc.oneof(
  { weight: 4, arbitrary: fc.nat(255).map((byte) => bytesOf(byte)) },
  {
    weight: 3,
    arbitrary: fc
      .constantFrom(0x80, 0x81, 0x82, 0x90, 0x91, 0x93, 0xa1, 0xc0, 0xc3)
      .map((byte) => bytesOf(byte)),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom(0xc4, 0xd9), fc.nat(255)).map(([head, n]) => sized(head, 1, n)),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(0xc5, 0xda, 0xdc, 0xde), fc.nat(65_535))
      .map(([head, n]) => sized(head, 2, n)),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(0xc6, 0xdb, 0xdd, 0xdf), fc.nat(2 ** 32 - 1))
      .map(([head, n]) => sized(head, 4, n)),
  },
  { weight: 2, arbitrary: fc.string({ maxLength: 9 }).map((text) => Buffer.from(text)) },
  { weight: 1, arbitrary: fc.constantFrom("type", "__proto__", "__greenroom__", "toString").map(keyOf) },
);

function keyOf(key: string): Buffer {
  return Buffer.concat([bytesOf(0xa0 + key.length), Buffer.from(key)]);
}

/** A map with a type, then tokens at random. */
const payloads = fc
  .tuple(fc.nat(5), fc.array(token, { maxLength: 30 }))
  .map(([more, tokens]) => Buffer.concat([bytesOf(0x81 + more), keyOf("type"), keyOf("x"), ...tokens]));
/** Real messages with a few bytes changed. */
const changed = fc
  .tuple(jsonValue, fc.array(fc.tuple(fc.nat(1_000), fc.nat(255)), { maxLength: 3 }))
  .map(([fields, changes]) => {
    const bytes = Buffer.from(encode({ fields, type: "x" }));
    for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
    return bytes;
  });

/** The codec encodes -0 as 0. */
function withoutNegativeZeros(value: unknown): unknown {
  if (Object.is(value, -0)) return 0;
  if (Array.isArray(value)) return value.map(withoutNegativeZeros);
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withoutNegativeZeros(item)]));
}

describe("Fuzzing the codec", () => {
  it("decodes bytes to a message that it can encode again, or throws a RangeError", async () => {
    let decoded = 0;
    const check = (bytes: Buffer) => {
      let first: Decoded;
      try {
        first = decode(bytes);
      } catch (error) {
        expect(error).to.be.instanceOf(RangeError);
        return;
      }
      decoded += 1;
      if (first.message.type.startsWith("xstate.")) return;
      expect(decode(encode(first.message, first.envelope))).to.deep.equal(withoutNegativeZeros(first));
    };
    await fuzz(fc.property(fc.oneof(payloads, changed), check), 1_500);
    expect(decoded).to.be.greaterThan(0);
  });
});
