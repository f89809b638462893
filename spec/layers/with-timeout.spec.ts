import { expect } from "chai";
import { withTimeout } from "../../layers/with-timeout.ts";
import { ManualClock } from "./support/manual-clock.ts";

describe("withTimeout", () => {
  const late = new Error("late");
  let clock: ManualClock;
  let succeed: (value: string) => void;
  let fail: (error: Error) => void;
  let outcome: Promise<unknown>;
  beforeEach(() => {
    clock = new ManualClock();
    const work = new Promise<string>((resolve, reject) => {
      succeed = resolve;
      fail = reject;
    });
    outcome = withTimeout(work, 40, clock, () => late).catch((error: unknown) => error);
  });
  afterEach(() => expect(clock.timers.size, "timers").to.equal(0));

  it("resolves as the work does", async () => {
    succeed("done");
    expect(await outcome).to.equal("done");
  });

  it("rejects as the work does", async () => {
    const failure = new Error("failed");
    fail(failure);
    expect(await outcome).to.equal(failure);
  });

  it("rejects after its time, and ignores the outcome of the work", async () => {
    expect(clock.fire()).to.equal(40);
    expect(await outcome).to.equal(late);
    // Fails the spec if it is an unhandled rejection.
    fail(new Error("later still"));
    await new Promise((resolve) => setImmediate(resolve));
  });
});
