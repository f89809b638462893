import { expect } from "chai";
import fc from "fast-check";
import { TurnBudget } from "../../../layers/scheduling/turn-budget.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

describe("TurnBudget", () => {
  let clock: VirtualClock;
  let budget: TurnBudget;
  beforeEach(() => {
    clock = new VirtualClock();
    budget = new TurnBudget(clock.now);
  });

  /** Works in steps of `stepMs` for the time of a new budget. @returns the number of steps. */
  function work(budgetMs: number, stepMs: number, units = 1): number {
    budget.start(clock.time, clock.time + budgetMs);
    let steps = 0;
    do {
      clock.advance(stepMs);
      budget.charge(units);
      steps += 1;
    } while (budget.hasTime);
    return steps;
  }

  /** The largest number of units between two readings of the clock. */
  function measureMaxUnits(): number {
    budget.start(clock.time, Number.POSITIVE_INFINITY);
    let most = 0;
    for (let reading = 0; reading < 20; reading += 1) {
      const { readings } = clock;
      let units = 0;
      for (; clock.readings === readings; units += 1) budget.charge(1);
      most = Math.max(most, units);
    }
    return most;
  }

  const stepMs = fc.double({ min: 0.0005, max: 8, noNaN: true });
  const budgetMs = fc.double({ min: 0, max: 20, noNaN: true });
  const units = fc.integer({ min: 1, max: 100 });

  it("notices slow steps at once, even if the steps of the previous budget were quick", () => {
    work(5, 0.001);
    expect(work(5, 1)).to.equal(5);
  });

  it("has time for one step, even if it ends as soon as it starts", () => {
    budget.start(0, 0);
    expect(budget.hasTime).to.equal(true);
    budget.charge(1);
    expect(budget.hasTime).to.equal(false);
  });

  it("has time until its end, and at most for one interval between two readings after that", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(budgetMs, stepMs, units), { maxLength: 20 }), (works) => {
        clock = new VirtualClock();
        budget = new TurnBudget(clock.now);
        const maxUnits = measureMaxUnits();
        for (const [ms, step, size] of works) {
          const start = clock.time;
          clock.now();
          clock.longestGap = 0;
          work(ms, step, size);
          expect(clock.time - start).to.be.at.least(ms);
          expect(clock.time - start).to.be.at.most(ms + clock.longestGap + 1e-9);
          // Even if the steps before were free.
          expect(clock.longestGap).to.be.at.most(Math.ceil(maxUnits / size) * step + 1e-9);
        }
      }),
    );
  });

  it("learns the time of a step at its first reading, and then reads about once in a millisecond", () => {
    fc.assert(
      fc.property(stepMs, stepMs, (before, after) => {
        work(10, before);
        work(0, after);
        clock.now();
        clock.longestGap = 0;
        work(10, after);
        expect(clock.longestGap).to.be.at.most(1 + after + 1e-9);
      }),
    );
  });

  it("reads the clock rarely for small steps", () => {
    work(1, 0.001);
    const { readings } = clock;
    const steps = work(10, 0.001);
    expect(steps).to.be.at.least(10_000);
    expect(clock.readings - readings).to.be.below(steps / 25);
  });

  it("reads the clock after each step that takes a millisecond or more", () => {
    work(10, 3);
    const { readings } = clock;
    expect(work(10, 3)).to.equal(4);
    expect(clock.readings - readings).to.equal(4);
  });

  it("stays over until the next start, even if the clock goes back", () => {
    work(1, 2);
    clock.advance(-10);
    budget.charge(1_000);
    expect(budget.hasTime).to.equal(false);
    budget.start(clock.time, clock.time + 1);
    expect(budget.hasTime).to.equal(true);
  });
});
