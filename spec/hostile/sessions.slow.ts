import { expect } from "chai";
import { usedHeap } from "../faults/support/heap.ts";
import { stopServing } from "../support/serving.ts";
import { resumeNothing, startAttack } from "./support/session-attack.ts";

describe("100,000 resumes of sessions that do not exist", () => {
  afterEach(stopServing);

  it("make no actor, keep no memory, and leave a bystander its echo", async () => {
    const { url, runtime, check, checkNothingLeft } = await startAttack();
    await resumeNothing(url, 2_000, 50);
    const before = await usedHeap();
    for (let round = 0; round < 100; round += 1) {
      await Promise.all([resumeNothing(url, 1_000, 50), check()]);
      expect(runtime.size).to.equal(2);
    }
    await checkNothingLeft();
    expect(runtime.counters().resumed).to.equal(0);
    expect((await usedHeap()) - before).to.be.below(20_000_000);
  }).timeout(600_000);
});
