import fc from "fast-check";
import { keepsPromises, lossyRuns, runs } from "./model/steps.ts";

describe("Named actors on a store that fails, for longer", function () {
  this.timeout(300_000);

  it("keep their promises in any interleaving", async () => {
    await fc.assert(keepsPromises(runs(60)), { numRuns: 1_500 });
  });

  it("report what a store has lost that was rolled back", async () => {
    await fc.assert(keepsPromises(lossyRuns(60)), { numRuns: 1_500 });
  });
});
