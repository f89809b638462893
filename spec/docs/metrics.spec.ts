import { readFile } from "node:fs/promises";
import { expect } from "chai";
import { labelsOf, operatedScrape } from "../metrics/support/operated.ts";
import { quotedIn, rowsOf } from "../support/markdown-table.ts";

describe("docs/guides/metrics.md", () => {
  let page: string;
  before(async () => {
    page = await readFile(new URL("../../docs/guides/metrics.md", import.meta.url), "utf8");
  });

  it("lists every metric of a scrape, with its type and its labels", async () => {
    const parts = page.split(/## Metrics of (?:layers and queues|named actors)/);
    expect(parts).to.have.length(3);
    const rows = parts.flatMap((part) => rowsOf(part, "metric", "type", "labels"));
    const listed = rows.map(([name, type, labels]) => [
      quotedIn(name)[0],
      { type, labels: quotedIn(labels).sort() },
    ]);
    const scraped = [...labelsOf(await operatedScrape())].map(([name, { type, labels }]) => [
      name,
      { type, labels: labels.sort() },
    ]);
    expect(Object.fromEntries(listed)).to.deep.equal(Object.fromEntries(scraped));
  });
});
