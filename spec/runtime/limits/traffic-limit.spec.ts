import { expect } from "chai";
import { SimulatedClock } from "xstate";
import { TrafficLimit } from "../../../runtime/limits/traffic-limit.ts";

describe("TrafficLimit", () => {
  /** The number of single tokens that can be taken. The next one is missing. */
  function taken(limit: TrafficLimit): number {
    let count = 0;
    while (limit.take(1)) count += 1;
    return count;
  }

  it("has a burst at first, and gets tokens back at the rate", () => {
    const clock = new SimulatedClock();
    const limit = new TrafficLimit(clock, { perSecond: 10, burst: 50 });
    expect(taken(limit)).to.equal(50);
    clock.increment(1_000);
    // The token that was missing before is paid back first.
    expect(taken(limit)).to.equal(9);
    clock.increment(250);
    expect(taken(limit)).to.equal(1);
  });

  it("adds at most a burst, after any time", () => {
    const clock = new SimulatedClock();
    const limit = new TrafficLimit(clock, { perSecond: 10, burst: 50 });
    expect(taken(limit)).to.equal(50);
    clock.increment(1_000_000);
    expect(taken(limit)).to.equal(49);
  });

  it("takes many tokens at once, and refuses more than it has", () => {
    const clock = new SimulatedClock();
    const limit = new TrafficLimit(clock, { perSecond: 1_000, burst: 5_000 });
    expect(limit.take(4_000)).to.equal(true);
    expect(limit.take(4_000)).to.equal(false);
    clock.increment(2_999);
    expect(limit.take(0)).to.equal(false);
    clock.increment(1);
    expect(limit.take(0)).to.equal(true);
  });

  it("never refuses a client that stays below the rate", () => {
    const clock = new SimulatedClock();
    const limit = new TrafficLimit(clock, { perSecond: 3, burst: 1 });
    for (let second = 0; second < 1_000; second += 1) {
      clock.increment(334);
      expect(limit.take(1)).to.equal(true);
    }
  });

  it("reads the clock only when the tokens are used up", () => {
    let readings = 0;
    const clock = Object.assign(new SimulatedClock(), {
      now: () => {
        readings += 1;
        return 0;
      },
    });
    const limit = new TrafficLimit(clock, { perSecond: 10, burst: 50 });
    for (let count = 0; count < 50; count += 1) limit.take(1);
    expect(readings).to.equal(1);
    limit.take(1);
    expect(readings).to.equal(2);
  });

  it("takes tokens that are given besides the rate", () => {
    const limit = new TrafficLimit(new SimulatedClock(), { perSecond: 10, burst: 5 });
    expect(limit.take(7)).to.equal(false);
    expect(limit.give(1)).to.equal(false);
    expect(limit.give(1)).to.equal(true);
    expect(limit.take(1)).to.equal(false);
  });
});
