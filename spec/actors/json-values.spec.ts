import { runInNewContext } from "node:vm";
import { expect } from "chai";
import fc from "fast-check";
import { jsonText } from "../../actors/json-text.ts";

class Point {
  x = 1;
  label?: string;
}

class Secret {
  readonly #value = 1;
  get value() {
    return this.#value;
  }
}

class Reflexive {
  a = 1;
  toJSON() {
    return this;
  }
}

/** The message of the error for `value`. */
function refusal(value: unknown): string {
  try {
    return `sent ${jsonText(value)}`;
  } catch (error) {
    expect(error).to.be.instanceOf(TypeError);
    return (error as Error).message;
  }
}

describe("The JSON of a value", () => {
  const refusals: readonly (readonly [name: string, value: unknown, kind: string, advice: string])[] = [
    ["a map", new Map([["a", 1]]), "an instance of Map", "send [...map] or Object.fromEntries(map) instead"],
    ["a set", new Set([1]), "an instance of Set", "send an array instead"],
    ["an iterator", new Map([["a", 1]]).keys(), "an instance of Map Iterator", "send an array instead"],
    ["an error", new Error("boom"), "an instance of Error", "send its message instead"],
    [
      "an error with properties",
      Object.assign(new RangeError("boom"), { code: "ERR_BOOM" }),
      "an instance of RangeError",
      "send its message instead",
    ],
    ["NaN", Number.NaN, "NaN", "send null or a string instead"],
    ["an infinite number", Number.NEGATIVE_INFINITY, "-Infinity", "send null or a string instead"],
    ["an invalid date", new Date(Number.NaN), "an invalid date", "send null or a valid date instead"],
    ...[new Uint8Array([1]), Buffer.from("hi"), new ArrayBuffer(2), new DataView(new ArrayBuffer(2))].map(
      (bytes) =>
        [
          `bytes in a ${bytes.constructor.name}`,
          bytes,
          `an instance of ${bytes.constructor.name}`,
          "send the bytes as a binary frame, or as a base64 string",
        ] as const,
    ),
    ["a function", () => {}, "a function", "leave it out"],
    ["a symbol", Symbol("s"), "a symbol", "leave it out"],
    [
      "an instance without properties",
      new Secret(),
      "an instance of Secret",
      "send a plain object instead, or give the class a method toJSON",
    ],
    [
      "a pattern",
      /a/,
      "an instance of RegExp",
      "send a plain object instead, or give the class a method toJSON",
    ],
    [
      "a promise",
      Promise.resolve(1),
      "an instance of Promise",
      "send a plain object instead, or give the class a method toJSON",
    ],
    [
      "search parameters",
      new URLSearchParams("a=1"),
      "an instance of URLSearchParams",
      "send an array instead",
    ],
  ];

  for (const [name, value, kind, advice] of refusals) {
    it(`refuses ${name}, and names its path`, () => {
      expect(refusal(value)).to.equal(`JSON cannot hold ${kind}: ${advice}.`);
      for (const [path, outer] of [
        [".price", { price: value }],
        [".items[3].price", { items: [0, 1, 2, { price: value }] }],
        ["[0]", [value]],
        ['["unit price"][1]', { "unit price": [null, value] }],
        [".point", Object.assign(new Point(), { point: value })],
        [".made.price", { made: { toJSON: () => ({ price: value }) } }],
      ] as const) {
        expect(refusal(outer)).to.equal(`JSON cannot hold ${kind} (at ${path}): ${advice}.`);
        expect(refusal(Object.freeze(outer))).to.equal(refusal(outer));
      }
    });
  }

  it("refuses undefined, but leaves out a property with this value", () => {
    const advice = "send null or a string instead";
    expect(refusal(undefined)).to.equal(`JSON cannot hold undefined: ${advice}.`);
    expect(refusal({ list: [1, undefined] })).to.equal(
      `JSON cannot hold undefined (at .list[1]): ${advice}.`,
    );
    expect(refusal(new Array(1))).to.equal(`JSON cannot hold undefined (at [0]): ${advice}.`);
    expect(refusal([{ toJSON: () => undefined }])).to.equal(
      `JSON cannot hold undefined (at [0]): ${advice}.`,
    );
    expect(jsonText({ a: undefined, b: { toJSON: () => undefined }, c: 1 })).to.equal('{"c":1}');
  });

  it("holds dates, instances with properties, values of another realm, and what toJSON returns", () => {
    const foreign: unknown = runInNewContext("({ a: {}, b: [], c: new Date(0), d: Object.create(null) })");
    for (const value of [
      new Date(0),
      { at: new Date(0) },
      new Point(),
      foreign,
      Object.create(null),
      new URL("http://localhost/"),
      { price: { toJSON: (key: string) => `the ${key}` } },
      [{ toJSON: (key: string) => ({ key, at: new Date(0) }) }],
      { toJSON: 1 },
      { toJSON: () => [1, { a: null }] },
      {
        a: 1,
        toJSON() {
          return this;
        },
      },
      new Reflexive(),
    ]) {
      expect(jsonText(value)).to.equal(JSON.stringify(value));
    }
  });

  it("is what toJSON returns, at any place of the method and for any content", () => {
    const hidden = Object.defineProperty({ m: new Map() }, "toJSON", { value: () => ({ ok: 1 }) });
    class Day extends Date {
      override toJSON() {
        return "a day";
      }
    }
    for (const value of [
      { m: new Map(), toJSON: () => ({ ok: 1 }) },
      { deep: { list: [new Map()] }, toJSON: () => 1 },
      { n: 1, call() {}, toJSON: () => "x" },
      hidden,
      Object.assign([Number.NaN], { toJSON: () => [1] }),
      Object.assign([{ at: new Date(0) }], {
        toJSON() {
          return this;
        },
      }),
      new Day(0),
      new Day(Number.NaN),
    ]) {
      for (const outer of [value, [value], { a: { value } }])
        expect(jsonText(outer)).to.equal(JSON.stringify(outer));
    }
  });

  it("refuses what toJSON of an array or a date returns, if JSON would change it", () => {
    class BadDate extends Date {
      override toJSON(): string {
        return Number.NaN as unknown as string;
      }
    }
    const advice = "send null or a string instead";
    const list = Object.assign([1], { toJSON: () => [Number.NaN] });
    expect(refusal(list)).to.equal(`JSON cannot hold NaN (at [0]): ${advice}.`);
    expect(refusal({ list })).to.equal(`JSON cannot hold NaN (at .list[0]): ${advice}.`);
    expect(refusal({ at: new BadDate(0) })).to.equal(`JSON cannot hold NaN (at .at): ${advice}.`);
  });

  it("holds the values in objects of Number, Boolean and String", () => {
    const boxed = [new Number(3), new Boolean(false), new String("a"), new String("")];
    for (const value of [...boxed, boxed, { a: boxed }])
      expect(jsonText(value)).to.equal(JSON.stringify(value));
    expect(refusal({ n: Object(Number.NaN) })).to.equal(
      "JSON cannot hold NaN (at .n): send null or a string instead.",
    );
  });

  it("calls toJSON once for each encoding", () => {
    let calls = 0;
    const counted = { toJSON: () => ({ calls: ++calls }) };
    expect(jsonText({ a: [counted] })).to.equal('{"a":[{"calls":1}]}');
    expect(jsonText(counted)).to.equal('{"calls":2}');
  });

  it("writes bigints as decimal strings, at any depth and of any sign", () => {
    const id = 1_234_567_890_123_456_789n;
    class Row {
      readonly id = -id;
    }
    const values = [id, { list: [0n, { id }] }, new Row(), Object(id), { toJSON: () => ({ id }) }];
    expect(values.map(jsonText)).to.deep.equal([
      '"1234567890123456789"',
      '{"list":["0",{"id":"1234567890123456789"}]}',
      '{"id":"-1234567890123456789"}',
      '"1234567890123456789"',
      '{"id":"1234567890123456789"}',
    ]);
    const frozen = Object.freeze({ id, at: "now" });
    for (let time = 0; time < 3; time += 1)
      expect(jsonText(frozen)).to.equal('{"id":"1234567890123456789","at":"now"}');
  });

  it("calls toJSON once, also beside a bigint", () => {
    let calls = 0;
    expect(jsonText({ id: 1n, counted: { toJSON: () => ++calls } })).to.equal('{"id":"1","counted":1}');
  });

  it("leaves cycles to JSON.stringify", () => {
    const cycle: { id?: bigint; self?: object } = {};
    cycle.self = cycle;
    expect(refusal({ cycle })).to.match(/circular structure/);
    cycle.id = 1n;
    expect(refusal({ cycle })).to.match(/circular structure/);
  });

  it("refuses a value that is nested deeper than 1,000 levels", () => {
    let deep: unknown = 1;
    for (let level = 0; level < 1_001; level += 1) deep = [deep];
    expect(jsonText(deep)).to.have.length(2 * 1_001 + 1);
    expect(refusal([deep])).to.equal("JSON is nested deeper than 1000 levels: send a flatter value.");
    for (let level = 0; level < 30_000; level += 1) deep = [deep];
    expect(refusal(deep)).to.equal("JSON is nested deeper than 1000 levels: send a flatter value.");
  });

  it("shortens a long path in the error", () => {
    const long = { ["k".repeat(1_000)]: Number.NaN };
    expect(refusal(long)).to.equal(
      `JSON cannot hold NaN (at .${"k".repeat(199)}…): send null or a string instead.`,
    );
  });

  it("is the text of JSON.stringify for each value that JSON can hold", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(jsonText(value)).to.equal(JSON.stringify(value));
      }),
    );
  });
});
