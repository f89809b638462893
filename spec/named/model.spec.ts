import fc from "fast-check";
import { keepsPromises, lossyRuns, runs } from "./model/steps.ts";

describe("Named actors on a store that fails", () => {
  it("keep their promises in any interleaving", async () => {
    await fc.assert(keepsPromises(runs(30)), { numRuns: 40 });
  });

  it("report what a store has lost that was rolled back", async () => {
    await fc.assert(keepsPromises(lossyRuns(30)), { numRuns: 40 });
  });
});
