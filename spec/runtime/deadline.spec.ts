import { expect } from "chai";
import { Deadline, within } from "../../runtime/deadline.ts";
import { FlushScheduler } from "../../runtime/socket/flush-scheduler.ts";

/** When all that waits for the end of a turn has been done. */
const turnEnd = (turn: FlushScheduler) => new Promise<void>((flush) => turn.add({ flush }));

/** A clock that says which timers are left, and has them all run out at once. */
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
  it("has no timer if it is cancelled in the turn at whose end it begins", async () => {
    const { clock, timers } = begin();
    const turn = new FlushScheduler();
    const deadline = new Deadline(clock, 10, turn);
    deadline.cancel();
    await turnEnd(turn);
    expect(timers.size).to.equal(0);
  });

  it("begins at the end of the turn, or now, and leaves no timer once cancelled", async () => {
    for (const turn of [new FlushScheduler(), undefined]) {
      const { clock, timers, runOut } = begin();
      const deadline = new Deadline(clock, 10, turn);
      expect(timers.size).to.equal(turn === undefined ? 1 : 0);
      await turnEnd(turn ?? new FlushScheduler());
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

  it("lets work be waited for until it passes, and no longer", async () => {
    const { clock, timers, runOut } = begin();
    expect(await within(new Deadline(clock, 10), Promise.resolve())).to.equal(true);
    expect(timers.size).to.equal(0);
    const waiting = within(new Deadline(clock, 10), new Promise(() => {}));
    runOut();
    expect(await waiting).to.equal(false);
    const failing = within(new Deadline(clock, 10), Promise.reject(new Error("broken")));
    expect(await failing.catch((error: Error) => error.message)).to.equal("broken");
  });
});
