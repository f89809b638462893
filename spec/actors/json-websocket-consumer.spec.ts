import { expect } from "chai";
import { jsonText } from "../../actors/json-text.ts";

function counted() {
  let count = 0;
  const value = Object.freeze({
    toJSON() {
      count += 1;
      return count;
    },
  });
  return { value, count: () => count };
}

describe("jsonText", () => {
  it("encodes every value that JSON can hold", () => {
    for (const value of [
      null,
      1,
      "a",
      [1, [2]],
      { a: { b: [] } },
      Object.freeze({ a: Object.freeze([1]) }),
    ]) {
      for (let time = 0; time < 3; time += 1) expect(jsonText(value)).to.equal(JSON.stringify(value));
    }
  });

  it("caches the text of a deep-frozen value", () => {
    const part = Object.freeze({ n: 1 });
    const value = Object.freeze({ part, list: Object.freeze([part, "x"]) });
    const first = jsonText(value);
    jsonText(value);
    const { stringify } = JSON;
    JSON.stringify = () => expect.fail("It was written again.");
    try {
      expect(jsonText(value)).to.equal(first);
    } finally {
      JSON.stringify = stringify;
    }
  });

  it("follows changes below a value that is only shallowly frozen", () => {
    const list = [1];
    const nested = Object.freeze({ deep: Object.freeze({ list }) });
    const [value, array] = [Object.freeze({ list }), Object.freeze([list])];
    for (const n of [2, 3, 4]) {
      list.push(n);
      expect(jsonText(value)).to.equal(JSON.stringify({ list }));
      expect(jsonText(array)).to.equal(JSON.stringify([list]));
      expect(jsonText(nested)).to.equal(JSON.stringify({ deep: { list } }));
    }
  });

  it("computes accessors and toJSON anew each time", () => {
    const { value, count } = counted();
    for (let time = 1; time <= 4; time += 1) expect(jsonText(value)).to.equal(`${time}`);
    expect(count()).to.equal(4);
    let n = 0;
    const getter = Object.freeze({
      get n() {
        return n;
      },
    });
    const date = new Date(0);
    const frozenDate = Object.freeze(date);
    for (const time of [1, 2, 3, 4]) {
      n = time;
      expect(jsonText(getter)).to.equal(`{"n":${time}}`);
      date.setTime(time);
      expect(jsonText(frozenDate)).to.equal(JSON.stringify(new Date(time)));
    }
  });

  it("throws for values that JSON cannot hold, frozen or not", () => {
    const cycle: { self?: object } = {};
    cycle.self = cycle;
    for (const value of [
      undefined,
      () => {},
      Number.NaN,
      cycle,
      Object.freeze({ toJSON: () => undefined }),
      Object.freeze([Number.NaN]),
    ]) {
      for (let time = 0; time < 3; time += 1) expect(() => jsonText(value)).to.throw(TypeError);
    }
  });
});
