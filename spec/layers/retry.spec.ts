import { getEventListeners } from "node:events";
import { expect } from "chai";
import { backoffMs, pause, retry } from "../../layers/retry.ts";
import { ManualClock } from "./support/manual-clock.ts";

const turn = () => new Promise((resolve) => setImmediate(resolve));
const listenersOf = ({ signal }: AbortController) => getEventListeners(signal, "abort").length;

describe("backoffMs", () => {
  it("doubles from 100 ms to 5 s, and never returns less than half of that", () => {
    const attempts = [1, 2, 3, 6, 7, 100, 10_000];
    expect(attempts.map((attempt) => backoffMs(attempt, () => 1))).to.deep.equal([
      100, 200, 400, 3_200, 5_000, 5_000, 5_000,
    ]);
    expect(attempts.map((attempt) => backoffMs(attempt, () => 0))).to.deep.equal([
      50, 100, 200, 1_600, 2_500, 2_500, 2_500,
    ]);
  });

  it("never exceeds its maximum", () => {
    expect([1, 5, 6, 100].map((attempt) => backoffMs(attempt, () => 1, 1_600))).to.deep.equal([
      100, 1_600, 1_600, 1_600,
    ]);
  });

  it("differs from node to node", () => {
    const pauses = new Set(Array.from({ length: 20 }, () => backoffMs(7)));
    expect(pauses.size).to.be.above(1);
  });
});

describe("retries with a manual clock", () => {
  let clock: ManualClock;
  let controller: AbortController;
  beforeEach(() => {
    clock = new ManualClock();
    controller = new AbortController();
  });

  function expectNothingLeft(): void {
    expect(clock.timers.size, "timers").to.equal(0);
    expect(listenersOf(controller), "listeners").to.equal(0);
  }

  describe("pause", () => {
    it("resolves after its time, and leaves no timer and no listener", async () => {
      const pausing = pause(30, clock, controller.signal);
      expect([clock.timers.size, listenersOf(controller)]).to.deep.equal([1, 1]);
      expect(clock.fire()).to.equal(30);
      await pausing;
      expectNothingLeft();
    });

    it("may wait for one signal any number of times, without a warning of Node", async () => {
      const warnings: Error[] = [];
      const onWarning = (warning: Error) => void warnings.push(warning);
      process.on("warning", onWarning);
      const pausing = Array.from({ length: 20 }, () => pause(30, clock, controller.signal));
      await turn();
      process.off("warning", onWarning);
      controller.abort();
      await Promise.all(pausing);
      expect(warnings).to.deep.equal([]);
      expectNothingLeft();
    });

    it("resolves when its signal is aborted, and leaves no timer and no listener", async () => {
      const pausing = pause(30, clock, controller.signal);
      controller.abort();
      await pausing;
      expectNothingLeft();
    });

    it("resolves at once if its signal is already aborted", async () => {
      controller.abort();
      await pause(30, clock, controller.signal);
      expectNothingLeft();
    });
  });

  describe("retry", () => {
    let attempts: number;
    beforeEach(() => {
      attempts = 0;
    });

    /** Fails the given number of times, each time with another error. */
    function failing(times: number): () => Promise<string> {
      return async () => {
        attempts += 1;
        if (attempts <= times) throw new Error(`failure ${attempts}`);
        return "done";
      };
    }

    const start = (times: number, onFailure?: (error: unknown, attempt: number) => void) =>
      retry(failing(times), { clock, signal: controller.signal, ...(onFailure && { onFailure }) });

    it("returns the result of the first success, after a growing pause per failure", async () => {
      const failures: unknown[] = [];
      const retrying = start(3, (error, attempt) => failures.push([(error as Error).message, attempt]));
      const pauses: number[] = [];
      for (let failed = 1; failed <= 3; failed += 1) {
        await turn();
        expect(attempts).to.equal(failed);
        pauses.push(clock.fire());
      }
      expect(await retrying).to.equal("done");
      expect(failures).to.deep.equal([
        ["failure 1", 1],
        ["failure 2", 2],
        ["failure 3", 3],
      ]);
      for (const [index, ms] of pauses.entries()) expect(ms).to.be.within(50 * 2 ** index, 100 * 2 ** index);
      expectNothingLeft();
    });

    it("does not pause if the first attempt succeeds", async () => {
      expect(await start(0)).to.equal("done");
      expectNothingLeft();
    });

    it("rejects with the last failure when aborted during a pause, without another attempt", async () => {
      const retrying = start(Number.POSITIVE_INFINITY).catch((error: unknown) => error);
      await turn();
      clock.fire();
      await turn();
      controller.abort();
      expect(await retrying)
        .to.be.instanceOf(Error)
        .with.property("message", "failure 2");
      expect(attempts).to.equal(2);
      expectNothingLeft();
    });

    it("awaits the running attempt when aborted", async () => {
      let succeed = (_: string) => {};
      const attempt = () =>
        new Promise<string>((resolve) => {
          succeed = resolve;
        });
      const retrying = retry(attempt, { clock, signal: controller.signal });
      controller.abort();
      succeed("done");
      expect(await retrying).to.equal("done");
    });

    it("makes one attempt if its signal is already aborted", async () => {
      controller.abort();
      const failure = await start(Number.POSITIVE_INFINITY).catch((error: unknown) => error);
      expect(failure).to.be.instanceOf(Error).with.property("message", "failure 1");
      expectNothingLeft();
    });

    it("rejects with an error that onFailure throws, without a pause", async () => {
      const refusal = new Error("refused");
      const retrying = start(Number.POSITIVE_INFINITY, (_, attempt) => {
        if (attempt === 2) throw refusal;
      }).catch((error: unknown) => error);
      await turn();
      clock.fire();
      expect(await retrying).to.equal(refusal);
      expect(attempts).to.equal(2);
      expectNothingLeft();
    });
  });
});
