import { expect } from "chai";
import fc from "fast-check";
import { BoundedCache } from "../../layers/bounded-cache.ts";
import { InvalidOptionError } from "../../layers/errors.ts";
import { type ByPattern, LimitsByName, matchesPattern } from "../../layers/limits-by-name.ts";

/** A small alphabet, so that patterns match often. */
const names = fc.string({ unit: fc.constantFrom("a", "b", ".", "!"), maxLength: 12 });
const patterns = fc.string({
  unit: fc.constantFrom("a", "b", ".", "!", "*", "?"),
  minLength: 1,
  maxLength: 8,
});
const rule = { option: "capacity", fallback: 100 };

/** The regular expression that is equivalent to a pattern. */
function expression(pattern: string): RegExp {
  const translated = { "*": ".*", "?": ".", ".": "\\." } as Record<string, string>;
  return new RegExp(`^${[...pattern].map((letter) => translated[letter] ?? letter).join("")}$`, "s");
}

describe("matchesPattern", () => {
  it("agrees with the equivalent regular expression", () => {
    fc.assert(
      fc.property(patterns, names, (pattern, name) => {
        expect(matchesPattern(pattern, name)).to.equal(expression(pattern).test(name));
      }),
      { numRuns: 2_000 },
    );
  });

  it("matches a name after letters are replaced by stars and question marks", () => {
    fc.assert(
      fc.property(names, fc.array(fc.constantFrom("keep", "one", "any")), (name, changes) => {
        const marks = { keep: (letter: string) => letter, one: () => "?", any: () => "*" };
        const pattern = [...name].map((letter, index) => marks[changes[index] ?? "keep"](letter)).join("");
        expect(matchesPattern(`${pattern}*`, name)).to.equal(true);
      }),
    );
  });

  it("stays fast for a name that almost matches in very many ways", () => {
    // A regular expression that backtracks for every star would practically never end.
    const pattern = `${"a*".repeat(49)}b`;
    for (let times = 0; times < 1_000; times += 1)
      expect(matchesPattern(pattern, "a".repeat(99))).to.equal(false);
  });
});

describe("LimitsByName", () => {
  it("resolves to the default without limits", () => {
    expect(new LimitsByName(undefined, rule).resolve("room")).to.equal(100);
    expect(new LimitsByName([], rule).resolve("room")).to.equal(100);
  });

  it("resolves all names to a single number", () => {
    const limits = new LimitsByName(7, rule);
    for (const name of ["room", "a!b", ""]) expect(limits.resolve(name)).to.equal(7);
  });

  it("uses the first pattern that matches, or else the default", () => {
    const limits = new LimitsByName(
      [
        ["room_lobby", 1_000],
        ["room_?", 50],
        ["room_*", 20],
        ["*!*", 5],
      ],
      rule,
    );
    const expected = {
      room_lobby: 1_000,
      room_1: 50,
      room_12: 20,
      room_: 20,
      "node!1": 5,
      rooms: 100,
      xroom_1: 100,
    };
    for (const [name, value] of Object.entries(expected)) expect(limits.resolve(name), name).to.equal(value);
  });

  it("resolves names in any order and number as a linear search does", () => {
    const lists = fc.array(fc.tuple(patterns, fc.integer({ min: 1, max: 1_000 })), { maxLength: 6 });
    fc.assert(
      fc.property(lists, fc.array(names, { maxLength: 20 }), (list, asked) => {
        const limits = new LimitsByName(list, rule);
        for (const name of [...asked, ...asked.toReversed()]) {
          const first = list.find(([pattern]) => expression(pattern).test(name));
          expect(limits.resolve(name)).to.equal(first?.[1] ?? 100);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("resolves correctly after more names than it caches", () => {
    const limits = new LimitsByName([["*7", 7]], rule);
    for (const round of [1, 2]) {
      for (let number = 0; number < 3_000; number += 1) {
        expect(limits.resolve(`room_${number}`), `round ${round}`).to.equal(number % 10 === 7 ? 7 : 100);
      }
    }
  });

  it("refuses invalid limits and names them", () => {
    const refusals: [unknown, string][] = [
      [0, "`capacity` must be an integer from 1 to 500, not 0."],
      [-1, "`capacity` must be an integer from 1 to 500, not -1."],
      [1.5, "`capacity` must be an integer from 1 to 500, not 1.5."],
      [501, "`capacity` must be an integer from 1 to 500, not 501."],
      [Number.NaN, "not NaN."],
      [Number.POSITIVE_INFINITY, "not Infinity."],
      [
        [
          ["a", 1],
          ["b", 0],
        ],
        "`capacity[1][1]` must be an integer from 1 to 500, not 0.",
      ],
      [[["a", "1"]], "`capacity[0][1]` must be an integer"],
      ["100", "`capacity` must be a number or a list of pairs"],
      [null, "`capacity` must be a number or a list of pairs"],
      [{ "room_*": 1 }, "`capacity` must be a number or a list of pairs"],
      [["room_*", 1], "`capacity` must be a number or a list of pairs"],
    ];
    for (const [option, message] of refusals) {
      expect(() => new LimitsByName(option as ByPattern, { ...rule, max: 500 }), message).to.throw(
        InvalidOptionError,
        message,
      );
    }
    expect(new LimitsByName(500, { ...rule, max: 500 }).resolve("room")).to.equal(500);
    expect(new LimitsByName(1, rule).resolve("room")).to.equal(1);
  });

  it("refuses patterns that no name can match", () => {
    for (const pattern of ["", "room 1", "room_[0-9]", "größe", "a/*", "x".repeat(100), 7]) {
      expect(
        () =>
          new LimitsByName(
            [
              ["*", 1],
              [pattern as string, 1],
            ],
            rule,
          ),
      ).to.throw(
        InvalidOptionError,
        `\`capacity[1][0]\` must be 1 to 99 ASCII letters, digits, '-', '_', '.', '!', '*' and '?', not ${JSON.stringify(pattern)}.`,
      );
    }
  });
});

describe("BoundedCache", () => {
  it("computes a cached value once, and never exceeds its limit", () => {
    const cache = new BoundedCache<string, number>(2);
    const computed: string[] = [];
    const get = (key: string) => cache.get(key, () => computed.push(key));
    for (const key of ["a", "b", "a", "b", "c", "b", "a"]) {
      get(key);
      expect(cache.size).to.be.at.most(2);
    }
    expect(computed).to.deep.equal(["a", "b", "c", "a"]);
  });
});
