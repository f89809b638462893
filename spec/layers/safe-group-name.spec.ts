import { readFile } from "node:fs/promises";
import { expect } from "chai";
import fc from "fast-check";
import { groupName, safeGroupName } from "greenroom";

const anyText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 200 }),
  fc.string({ unit: "grapheme", maxLength: 200 }),
  fc.string({ unit: fc.constantFrom(..."ab._- /\ud800"), maxLength: 100 }),
);

describe("safeGroupName", () => {
  it("gives every text a name that groupName accepts", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(groupName(safeGroupName(text))).to.equal(undefined);
      }),
    );
    expect(safeGroupName("x".repeat(1_000_000))).to.have.length(90);
  });

  it("keeps a name that is legal already", () => {
    for (const name of ["lobby", "A-z_0.9", "x".repeat(90), ".", "a.0123456789abcdef"]) {
      expect(safeGroupName(name)).to.equal(name);
    }
  });

  // The algorithm is documented, and names are stored: these names never change.
  it("gives the same names in every version", () => {
    const names = ["Käse & Brot", "", "日本", "a/b?c", "x".repeat(91)].map(safeGroupName);
    expect(names).to.deep.equal([
      "K_se_Brot.d4d87102606c2d341c079dc6fe94d77d",
      ".e3b0c44298fc1c149afbf4c8996fb924",
      "_.be56ce74e60acf7ed274ad41d2a5bc4a",
      "a_b_c.8a64823c4820ba628b1a8e81cc1431c8",
      `${"x".repeat(57)}.2385ebf2ed140b09121c8439583dadbd`,
    ]);
  });

  it("gives different texts different names", () => {
    fc.assert(
      fc.property(anyText, anyText, (one, other) => {
        fc.pre(one !== other);
        expect(safeGroupName(one)).not.to.equal(safeGroupName(other));
      }),
    );
    const alike = ["a b", "a_b", "a  b", "a/b", "é", "e\u0301", "A b", "\ud800", "\ud801", "\ufffd"];
    expect(new Set(alike.map(safeGroupName)).size).to.equal(alike.length);
  });

  // A client that chooses its own room could otherwise join the room of another text.
  it("gives the name of another text to no text, not even to that name itself", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const name = safeGroupName(text);
        fc.pre(name !== text);
        expect(safeGroupName(name)).not.to.equal(name);
      }),
    );
  });

  it("gives the names in the table of docs/reference/layers.md", async () => {
    const page = await readFile(new URL("../../docs/reference/layers.md", import.meta.url), "utf8");
    const rows = [...page.matchAll(/^\| (?:`(.+)`|the empty text) \| `(.*\.[0-9a-f]{32})` \|$/gm)];
    expect(rows).to.have.length(2);
    for (const [, text = "", name] of rows) expect(safeGroupName(text)).to.equal(name);
  });

  it("refuses a value that is not a string", () => {
    for (const value of [undefined, null, 7, ["a"]]) {
      expect(() => safeGroupName(value as never)).to.throw(TypeError);
    }
  });
});
