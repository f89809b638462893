import { expect } from "chai";
import { Rates } from "../../../inspector/view/rates.ts";

describe("Rates", () => {
  const totals = (sent: number) => new Map([["sent", sent]]);

  it("are 0 with fewer than two samples, and for unknown names", () => {
    const rates = new Rates();
    expect(rates.perSecond("sent")).to.equal(0);
    rates.sample(0, totals(5));
    expect(rates.perSecond("sent")).to.equal(0);
    rates.sample(0, totals(6));
    expect(rates.perSecond("sent")).to.equal(0);
    rates.sample(500, totals(9));
    expect(rates.perSecond("received")).to.equal(0);
  });

  it("cover the last four samples at any distance", () => {
    const rates = new Rates();
    for (const [at, sent] of [
      [0, 1_000],
      [500, 1_000],
      [1_000, 1_100],
      [2_000, 1_100],
      [3_000, 1_500],
    ] as const) {
      rates.sample(at, totals(sent));
    }
    expect(rates.perSecond("sent")).to.equal(200);
  });

  it("take a new total as growth from 0", () => {
    const rates = new Rates();
    rates.sample(0, new Map());
    rates.sample(2_000, totals(10));
    expect(rates.perSecond("sent")).to.equal(5);
  });
});
