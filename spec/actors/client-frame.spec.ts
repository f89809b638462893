import { expect } from "chai";
import { idOf, parseFrame } from "../../actors/client-frame.ts";
import { FrameRefusal } from "../../actors/frame-refusal.ts";

const codeOf = (text: string) => {
  const parsed = parseFrame(text);
  return parsed instanceof FrameRefusal ? parsed.code : "ok";
};
const idIn = (id: string) => idOf({ type: "x", ...(JSON.parse(`{"id":${id}}`) as { id: unknown }) });

describe("parseFrame", () => {
  it("returns an object with a type, and keeps its other properties as they are", () => {
    const frame = parseFrame('{"type":"a.b-c_9","__proto__":{"x":1},"n":2}');
    expect(Object.keys(frame)).to.deep.equal(["type", "__proto__", "n"]);
    expect(Object.getPrototypeOf(frame)).to.equal(Object.prototype);
    for (const type of ["a", "__proto__", "constructor", "toString", "a".repeat(99)])
      expect(codeOf(JSON.stringify({ type }))).to.equal("ok");
  });

  it("refuses text that is not JSON, or that holds a number that is too large", () => {
    for (const text of [
      "",
      "{",
      "say",
      "{'type':'say'}",
      '{"type":"say"}x',
      '{"type":"say","n":1e999}',
      '{"id":-1e400}',
    ])
      expect(codeOf(text), text).to.equal("greenroom.bad_json");
  });

  it("refuses JSON that is not an object with an allowed type", () => {
    const types = [1, null, true, {}, [], "", "a b", "say*", "*", "ä", "say\n", "a".repeat(100), "a/b"];
    const others = [
      "null",
      "1",
      '"say"',
      "[]",
      '["say"]',
      "{}",
      '{"__proto__":{"type":"say"}}',
      '{"toString":"x"}',
    ];
    for (const text of [...types.map((type) => JSON.stringify({ type })), ...others])
      expect(codeOf(text), text).to.equal("greenroom.bad_frame");
  });

  it("parses 64 KiB of nested arrays", () => {
    expect(codeOf(`{"type":"say","n":${"[".repeat(32_000)}${"]".repeat(32_000)}}`)).to.equal("ok");
    expect(codeOf("[".repeat(65_536))).to.equal("greenroom.bad_json");
  });
});

describe("idOf", () => {
  it("returns numbers, and texts of at most 100 characters", () => {
    for (const id of [0, -1, 1.5, "", "a", "a".repeat(100)]) expect(idIn(JSON.stringify(id))).to.equal(id);
  });

  it("returns undefined for other values", () => {
    for (const id of [
      "null",
      "true",
      "{}",
      "[]",
      '["a"]',
      '{"toString":"x"}',
      JSON.stringify("a".repeat(101)),
    ])
      expect(idIn(id), id).to.equal(undefined);
    expect(idOf({ type: "x" })).to.equal(undefined);
    expect(idOf(JSON.parse('{"type":"x","__proto__":{"id":1}}'))).to.equal(undefined);
  });
});

describe("A prototype that another library has changed", () => {
  const polluted = Object.prototype as { type?: unknown; id?: unknown };
  afterEach(() => {
    delete polluted.type;
    delete polluted.id;
  });

  it("gives a frame neither a type nor an id", () => {
    Object.assign(polluted, { type: "say", id: 1 });
    expect(codeOf("{}")).to.equal("greenroom.bad_frame");
    expect(idOf({ type: "say" })).to.equal(undefined);
  });
});
