import { expect } from "chai";
import { InvalidMessageError } from "../../layers/errors.ts";
import { inParts, valueThroughCodec } from "../../layers/through-codec.ts";
import { encode } from "../../layers/wire/codec.ts";

const listOf = (count: number) => Array.from({ length: count }, () => ({}));

describe("valueThroughCodec", () => {
  it("refuses a value that leaves no room for the message around it", () => {
    const largest = valueThroughCodec(listOf(89_998), "A value");
    expect(largest).to.have.length(89_998);
    encode({ type: "around", values: [{ channel: "a!1", value: largest }] });
    expect(() => valueThroughCodec(listOf(89_999), "A value")).to.throw(
      InvalidMessageError,
      "A value must not have more than 90000 objects and arrays: this one has 90001.",
    );
    expect(() => valueThroughCodec("x".repeat(100), "A value", 50)).to.throw(
      InvalidMessageError,
      "A value must not exceed 50 bytes",
    );
  });
});

describe("inParts", () => {
  it("divides a list so that each part fits into a message, and keeps the order", () => {
    for (const entry of [{ text: "x".repeat(60_000) }, { list: listOf(40_000) }]) {
      const entries = Array.from({ length: 5 }, (_, number) => ({ ...entry, number }));
      const parts = inParts(entries);
      expect(parts).to.have.length.within(3, 5);
      expect(parts.flat()).to.deep.equal(entries);
      for (const part of parts) encode({ type: "around", part });
    }
    expect(inParts([])).to.deep.equal([[]]);
  });
});
