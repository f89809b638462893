import { expect } from "chai";
import { oncePerScrape } from "../../metrics/scraped-metric.ts";

describe("oncePerScrape", () => {
  it("reads once for all metrics of a scrape, and again for the next scrape", async () => {
    let reads = 0;
    const read = oncePerScrape(() => {
      reads += 1;
      return reads;
    });
    expect([read(), read()]).to.deep.equal([1, 1]);
    await null;
    expect([read(), read()]).to.deep.equal([2, 2]);
  });
});
