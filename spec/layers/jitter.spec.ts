import { expect } from "chai";
import { jitter } from "../../layers/jitter.ts";

describe("jitter", () => {
  it("spreads a delay evenly between its smallest and largest factor", () => {
    const delays = [0, 0.5, 1].map((random) => jitter(1_000, 0.5, 1.25, () => random));
    expect(delays).to.deep.equal([500, 875, 1_250]);
  });

  it("adds nothing by default, and draws at random", () => {
    const delays = Array.from({ length: 100 }, () => jitter(1_000, 0.8));
    for (const delay of delays) expect(delay).to.be.within(800, 1_000);
    expect(new Set(delays).size).to.be.above(1);
  });
});
