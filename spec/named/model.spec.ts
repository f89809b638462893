import { expect } from "chai";
import fc from "fast-check";
import { keepsPromises, lossyRuns, play, type Run, runs } from "./model/steps.ts";

describe("Named actors on a store that fails", () => {
  it("keep their promises in any interleaving", async () => {
    await fc.assert(keepsPromises(runs(30)), { numRuns: 40 });
  });

  it("report what a store has lost that was rolled back", async () => {
    await fc.assert(keepsPromises(lossyRuns(30)), { numRuns: 40 });
  });

  it("are reported as lost although the reply that tells so is lost", async () => {
    const run: Run = {
      seed: 0,
      steps: [
        ["add", 633],
        ["rollBack", 0],
        ["fault", 717],
        ["add", 95],
      ],
    };
    expect(await play(run)).to.equal(undefined);
  });

  // The seed makes the names of the nodes. About every second seed leads to the fault.
  it("are heard after an attempt to listen to them has failed", async () => {
    const steps: Run["steps"] = [
      ["fault", 140],
      ["ask", 0],
      ["drain", 71],
    ];
    for (let seed = 0; seed < 20; seed += 1) expect(await play({ seed, steps })).to.equal(undefined);
  });
});
