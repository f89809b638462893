import { expect } from "chai";
import {
  checkInteger,
  type IntegerRange,
  maxDelayMs,
  maxJitteredDelayMs,
} from "../../layers/check-integer.ts";
import { InvalidOptionError } from "../../layers/errors.ts";

describe("checkInteger", () => {
  const ranges: [IntegerRange | undefined, unknown[], unknown[]][] = [
    [undefined, [1, Number.MAX_SAFE_INTEGER], [0, -1, 2 ** 53]],
    [{ min: 0, max: 10 }, [0, 10], [-1, 11]],
    [{ min: -2, max: -1 }, [-2, -1], [-3, 0]],
  ];

  it("returns an integer in the inclusive range", () => {
    for (const [range, allowed] of ranges) {
      for (const value of allowed) expect(checkInteger("option", value, range)).to.equal(value);
    }
  });

  it("refuses other numbers and other types", () => {
    for (const [range, , refused] of ranges) {
      const others = [1.5, Number.NaN, Number.POSITIVE_INFINITY, "1", 1n, null, undefined, [1]];
      for (const value of [...refused, ...others]) {
        expect(() => checkInteger("option", value, range), String(value)).to.throw(InvalidOptionError);
      }
    }
  });

  it("names the option, the range and the value in the error", () => {
    expect(() => checkInteger("concurrency", 0)).to.throw(
      "`concurrency` must be an integer of at least 1, not 0.",
    );
    expect(() => checkInteger("claimAfterMs", "x", { min: 100, max: 200 })).to.throw(
      '`claimAfterMs` must be an integer from 100 to 200, not "x".',
    );
  });
});

describe("maxDelayMs and maxJitteredDelayMs", () => {
  it("do not exceed the longest delay of a Node timer, the latter with 25 % of jitter", () => {
    expect(maxDelayMs).to.equal(2_147_483_647);
    expect(maxJitteredDelayMs * 1.25).to.be.within(maxDelayMs - 1.25, maxDelayMs);
  });
});
