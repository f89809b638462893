import { expect } from "chai";
import { Deadline } from "../../runtime/deadline.ts";
import type { FlushQueue } from "../../runtime/scheduler/flush-queue.ts";
import { Scheduler } from "../../runtime/scheduler/scheduler.ts";

/** Resolves once the scheduler has flushed. */
const flushed = (scheduler: FlushQueue) => new Promise<void>((flush) => scheduler.add({ flush }));

/** A clock that exposes its pending timers, and fires all of them at once. */
function begin() {
  const timers = new Map<number, () => void>();
  let last = 0;
  const clock = {
    setTimeout(fn: () => void) {
      timers.set(++last, fn);
      return last;
    },
    clearTimeout: (id: unknown) => void timers.delete(id as number),
  };
  return { clock, timers, runOut: () => [...timers.values()].map((fn) => fn()) };
}

describe("Deadline", () => {
  it("sets no timer if it is cancelled before the end of the turn", async () => {
    const { clock, timers } = begin();
    const scheduler = new Scheduler().flushes;
    const deadline = new Deadline(clock, 10, scheduler);
    deadline.cancel();
    await flushed(scheduler);
    expect(timers.size).to.equal(0);
  });

  it("starts at the end of the turn, or at once without a scheduler, and cancels its timer", async () => {
    for (const scheduler of [new Scheduler().flushes, undefined]) {
      const { clock, timers, runOut } = begin();
      const deadline = new Deadline(clock, 10, scheduler);
      expect(timers.size).to.equal(scheduler === undefined ? 1 : 0);
      await flushed(scheduler ?? new Scheduler().flushes);
      let passed = 0;
      deadline.onPassed = () => {
        passed += 1;
      };
      runOut();
      expect(passed).to.equal(1);
      deadline.cancel();
      deadline.cancel();
      expect(timers.size).to.equal(0);
    }
  });
});
