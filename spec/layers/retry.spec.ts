import { expect } from "chai";
import { backoffMs } from "../../layers/retry.ts";

describe("backoffMs", () => {
  it("doubles from 100 ms to 5 s, and takes no less than half of that", () => {
    const attempts = [1, 2, 3, 6, 7, 100, 10_000];
    expect(attempts.map((attempt) => backoffMs(attempt, () => 1))).to.deep.equal([
      100, 200, 400, 3_200, 5_000, 5_000, 5_000,
    ]);
    expect(attempts.map((attempt) => backoffMs(attempt, () => 0))).to.deep.equal([
      50, 100, 200, 1_600, 2_500, 2_500, 2_500,
    ]);
  });

  it("grows no longer than it may", () => {
    expect([1, 5, 6, 100].map((attempt) => backoffMs(attempt, () => 1, 1_600))).to.deep.equal([
      100, 1_600, 1_600, 1_600,
    ]);
  });

  it("differs from node to node", () => {
    const pauses = new Set(Array.from({ length: 20 }, () => backoffMs(7)));
    expect(pauses.size).to.be.above(1);
  });
});
