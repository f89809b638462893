import fc from "fast-check";
import { allRules } from "./model/rules.ts";
import { keepsPromises } from "./model/steps.ts";

describe("the protocol as a model, for longer", () => {
  it("keeps its promises in 100,000 interleavings", function () {
    this.timeout(120_000);
    fc.assert(keepsPromises(allRules), { numRuns: 100_000 });
  });
});
