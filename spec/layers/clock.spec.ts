import { expect } from "chai";
import { machineConsumer } from "greenroom";
import { SimulatedClock, setup } from "xstate";
import { maxDelayMs } from "../../layers/check-integer.ts";
import { systemClock, wallTimeOf, withLongDelays } from "../../layers/clock.ts";
import { serve, stopServing } from "../support/serving.ts";
import { ManualClock } from "./support/manual-clock.ts";

const day = 24 * 3_600_000;

/** Calls `work`, and returns the delays of the timers that are set meanwhile. These timers never fire. */
async function delaysDuring(work: () => unknown): Promise<number[]> {
  const delays: number[] = [];
  const { setTimeout } = globalThis;
  globalThis.setTimeout = Object.assign(
    (_fn: () => void, ms = 0) => {
      delays.push(ms);
      return undefined as unknown as NodeJS.Timeout;
    },
    { __promisify__: setTimeout.__promisify__ },
  );
  try {
    await work();
  } finally {
    globalThis.setTimeout = setTimeout;
  }
  return delays;
}

describe("withLongDelays", () => {
  it("divides a long delay among timers that Node supports", () => {
    const timers = new ManualClock();
    const clock = withLongDelays(timers);
    let fired = 0;
    clock.setTimeout(() => {
      fired += 1;
    }, 60 * day);
    const delays: number[] = [];
    while (fired === 0) delays.push(timers.fire());
    expect(delays).to.deep.equal([maxDelayMs, maxDelayMs, 60 * day - 2 * maxDelayMs]);
    expect(timers.timers.size).to.equal(0);
  });

  it("passes on a delay that Node supports", () => {
    const timers = new ManualClock();
    withLongDelays(timers).setTimeout(() => {}, maxDelayMs);
    expect(timers.fire()).to.equal(maxDelayMs);
  });

  it("keeps the time of the clock", () => {
    const timers = new SimulatedClock();
    timers.increment(7);
    expect(withLongDelays(timers as never).now?.()).to.equal(7);
    expect(withLongDelays(new ManualClock())).not.to.have.property("now");
  });

  it("clears a long delay in each of its parts, and a short delay", () => {
    const timers = new ManualClock();
    const clock = withLongDelays(timers);
    const [short, first, second] = [1, 60 * day, 60 * day].map((ms) => clock.setTimeout(() => {}, ms));
    clock.clearTimeout(short);
    clock.clearTimeout(first);
    timers.fire();
    clock.clearTimeout(second);
    expect(timers.timers.size).to.equal(0);
  });
});

describe("systemClock", () => {
  afterEach(stopServing);

  it("sets no timer that exceeds the limit of Node", async () => {
    expect(await delaysDuring(() => systemClock.setTimeout(() => {}, 30 * day))).to.deep.equal([maxDelayMs]);
  });

  it("is the clock of a runtime, so a machine can wait for 30 days", async () => {
    const ticket = setup({}).createMachine({
      initial: "valid",
      states: { valid: { after: { [30 * day]: "expired" } }, expired: {} },
    });
    const { runtime } = await serve({ layers: {} });
    const delays = await delaysDuring(() => runtime.spawn(machineConsumer(ticket)));
    expect(delays).to.include(maxDelayMs);
    expect(Math.max(...delays)).to.equal(maxDelayMs);
  });
});

describe("wallTimeOf", () => {
  it("returns the wall time of a clock without a time of its own", () => {
    const before = Date.now();
    expect(wallTimeOf(systemClock)).to.be.within(before, Date.now());
  });

  it("begins with the wall time for a clock with any origin, and then follows this clock", () => {
    const clock = new SimulatedClock();
    clock.increment(5_000);
    const before = Date.now();
    const first = wallTimeOf(clock);
    expect(first).to.be.within(before, Date.now());
    clock.increment(day);
    expect(wallTimeOf(clock)).to.equal(first + day);
  });
});
