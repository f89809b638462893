import { expect } from "chai";
import { fieldsOf, frameText } from "../../../actors/contract/server-frame.ts";

describe("frameText", () => {
  const cases: readonly [unknown, string][] = [
    [{ text: "hi" }, '{"type":"said","text":"hi"}'],
    [{ type: "other", text: "hi" }, '{"type":"said","text":"hi"}'],
    [{ "@": ["tea", 99], text: "hi" }, '{"type":"said","text":"hi"}'],
    [{ type: "other", "@": ["tea", 99] }, '{"type":"said"}'],
    [{}, '{"type":"said"}'],
    [3, '{"type":"said","value":3}'],
    [null, '{"type":"said","value":null}'],
    [["a", { type: "b" }], '{"type":"said","value":["a",{"type":"b"}]}'],
    [new Date(0), '{"type":"said","value":"1970-01-01T00:00:00.000Z"}'],
    [new String("boxed"), '{"type":"said","value":"boxed"}'],
    [{ at: new Date(0), left: undefined }, '{"type":"said","at":"1970-01-01T00:00:00.000Z"}'],
    [{ n: 2n ** 63n }, '{"type":"said","n":"9223372036854775808"}'],
    [9n, '{"type":"said","value":"9"}'],
    [{ toJSON: () => ({ type: "other", a: 1 }) }, '{"type":"said","a":1}'],
    [
      JSON.parse('{"__proto__":{"a":1},"constructor":2}'),
      '{"type":"said","__proto__":{"a":1},"constructor":2}',
    ],
  ];
  for (const [payload, text] of cases)
    it(`is ${text}`, () => {
      expect(frameText("said", payload)).to.equal(text);
    });

  it("throws for a payload that JSON cannot hold", () => {
    for (const payload of [undefined, Number.NaN, () => {}, new Map(), new Uint8Array(1), { a: Symbol("x") }])
      expect(() => frameText("said", payload)).to.throw(TypeError, "JSON cannot hold");
  });
});

describe("fieldsOf", () => {
  it("copies an object with a type, and sets no prototype", () => {
    const message = JSON.parse('{"type":"x","__proto__":{"admin":true}}') as object;
    const fields = fieldsOf(message);
    expect(Object.keys(fields)).to.deep.equal(["__proto__"]);
    expect(Object.getPrototypeOf(fields)).to.equal(Object.prototype);
  });
});
