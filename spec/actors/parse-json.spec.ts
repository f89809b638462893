import { expect } from "chai";
import fc from "fast-check";
import { parseJson } from "../../actors/parse-json.ts";

/** Whether JSON.parse returns an infinite number for the text of a number. */
const overflows = (text: string) => !Number.isFinite(JSON.parse(text));

describe("parseJson", () => {
  it("refuses a number that is too large for a double, at any place", () => {
    for (const number of [
      ...["1e999", "-1e400", "1E+309", "1.5e0400", "0.1e310", "9".repeat(309), `-${"9".repeat(400)}.5`],
      ...[`${"9".repeat(305)}e4`, `1${"0".repeat(250)}e99`],
    ]) {
      for (const text of [number, `[1,[${number}]]`, `{"a":{"b":${number}}}`, `{"__proto__":[${number}]}`])
        expect(() => parseJson(text), text.slice(0, 40)).to.throw(SyntaxError, /^A number is too large$/);
    }
  });

  it("takes large finite numbers, and texts that look like numbers", () => {
    for (const text of [
      "1e308",
      "-1.7e+308",
      "1e-999",
      "0e999",
      `1${"0".repeat(308)}`,
      '"1e999"',
      '{"1e999":1}',
    ])
      expect(parseJson(text)).to.deep.equal(JSON.parse(text));
    const digits = JSON.stringify("1".repeat(1_000));
    expect(parseJson(digits)).to.equal("1".repeat(1_000));
  });

  it("refuses exactly the numbers that overflow", () => {
    const digits = (max: number) =>
      fc
        .tuple(fc.integer({ min: 1, max: 9 }), fc.nat({ max }))
        .map(([digit, count]) => `${digit}`.repeat(count));
    const number = fc
      .tuple(
        fc.constantFrom("", "-"),
        digits(330),
        digits(20),
        fc.constantFrom("", "e", "E+", "e-", "e0"),
        fc.nat(400),
      )
      .map(([sign, whole, part, e, n]) => `${sign}${whole || "0"}${part && `.${part}`}${e && `${e}${n}`}`);
    fc.assert(
      fc.property(number, fc.nat({ max: 120 }), (text, spaces) => {
        const parse = () => parseJson(`${" ".repeat(spaces)}[${text}]`);
        if (overflows(text)) expect(parse).to.throw(SyntaxError);
        else expect(parse()).to.deep.equal([JSON.parse(text)]);
      }),
    );
  });

  it("takes JSON of any depth", () => {
    const depth = 100_000;
    expect(parseJson(`${"[".repeat(depth)}1e10${"]".repeat(depth)}`)).to.be.an("array");
  });
});
