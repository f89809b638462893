import { expect } from "chai";
import fc from "fast-check";
import { InvalidNameError } from "../../layers/errors.ts";
import { checkChannel, checkGroup, checkPrefix } from "../../layers/names.ts";

const letters = [..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."];
const part = (maxLength: number) => fc.string({ unit: fc.constantFrom(...letters), minLength: 1, maxLength });

describe("checkGroup", () => {
  it("accepts every name of 1 to 99 allowed characters", () => {
    fc.assert(fc.property(part(99), (name) => checkGroup(name)));
  });

  it("refuses every name with another character", () => {
    const illegal = fc.string({ unit: "binary", minLength: 1, maxLength: 1 });
    fc.assert(
      fc.property(part(40), illegal, part(40), (before, letter, after) => {
        fc.pre(!letters.includes(letter));
        expect(() => checkGroup(before + letter + after)).to.throw(InvalidNameError);
      }),
    );
  });

  it("refuses empty names, long names and values of other types", () => {
    for (const name of ["", "x".repeat(100), undefined, null, 1, ["a"]]) {
      expect(() => checkGroup(name as string)).to.throw(InvalidNameError);
    }
  });

  it("states the rule and the refused name in the error", () => {
    const rule = "A group's name is 1 to 99 ASCII letters, digits, '-', '_' and '.'";
    expect(() => checkGroup("room\n1")).to.throw(`${rule}, not "room\\n1".`);
    expect(() => checkGroup("x".repeat(200))).to.throw(`${rule}, not "${"x".repeat(40)}"… (200 characters).`);
    expect(() => checkGroup(null as unknown as string)).to.throw(`${rule}, not a value of type null.`);
  });
});

describe("checkChannel", () => {
  it("accepts at most one '!', between two parts", () => {
    fc.assert(
      fc.property(part(49), part(49), (node, own) => {
        checkChannel(node);
        checkChannel(`${node}!${own}`);
      }),
    );
  });

  it("refuses '!' at either end, a second '!', and more than 99 characters", () => {
    fc.assert(
      fc.property(part(30), part(30), (one, other) => {
        for (const name of [`!${one}`, `${one}!`, `${one}!!${other}`, `${one}!${other}!${one}`]) {
          expect(() => checkChannel(name)).to.throw(InvalidNameError);
        }
      }),
    );
    checkChannel(`${"x".repeat(49)}!${"y".repeat(49)}`);
    expect(() => checkChannel(`${"x".repeat(50)}!${"y".repeat(49)}`)).to.throw(InvalidNameError);
  });
});

describe("checkPrefix", () => {
  it("accepts printable ASCII", () => {
    for (const prefix of ["chat", "my-app:prod", "{tag}", "~"]) checkPrefix(prefix);
  });

  it("refuses ambiguous prefixes, spaces, other scripts and the empty string", () => {
    for (const prefix of ["", "a b", "größe", "a__group__b", "__node__", "x".repeat(100), undefined]) {
      expect(() => checkPrefix(prefix as string)).to.throw(InvalidNameError);
    }
  });
});
