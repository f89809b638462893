import { expect } from "chai";
import { labelsOf, operatedScrape } from "./support/operated.ts";
import { alertRules, dashboardExpressions, namedIn } from "./support/operations.ts";

/** The labels that Prometheus adds, and that of buckets. */
const added = ["job", "instance", "le"];

describe("The alert rules and the dashboard in operations/", () => {
  let metrics: ReturnType<typeof labelsOf>;
  let expressions: readonly string[];
  before(async () => {
    metrics = labelsOf(await operatedScrape());
    expressions = [...(await alertRules()).map(({ expr }) => expr), ...(await dashboardExpressions())];
  });

  it("read only metrics of a real scrape, with labels that these have", () => {
    expect(expressions.length).to.be.above(40);
    for (const expr of expressions) {
      const named = namedIn(expr);
      expect(named.metrics, expr).not.to.deep.equal([]);
      expect([...metrics.keys()], expr).to.include.members(named.metrics);
      const known = named.metrics.flatMap((metric) => metrics.get(metric)?.labels ?? []);
      expect([...known, ...added], expr).to.include.members(named.labels);
    }
  });

  it("show every metric on the dashboard", async () => {
    const shown = new Set((await dashboardExpressions()).flatMap((expr) => namedIn(expr).metrics));
    expect([...metrics.keys()].filter((name) => !shown.has(name))).to.deep.equal([]);
  });
});
