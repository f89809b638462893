import { expect } from "chai";
import type { Lane } from "../../../layers/scheduling/lane.ts";
import { TurnScheduler } from "../../../layers/scheduling/turn-scheduler.ts";
import { HandlerTimer } from "../../../runtime/scheduler/handler-timer.ts";
import { VirtualClock } from "../../layers/support/virtual-clock.ts";
import { nextTurn } from "../../support/next-turn.ts";

describe("HandlerTimer", () => {
  let clock: VirtualClock;
  let lane: Lane;
  let timer: HandlerTimer;
  beforeEach(() => {
    clock = new VirtualClock();
    const turns = new TurnScheduler(clock.now);
    lane = turns.lane();
    timer = new HandlerTimer(turns, clock.now);
  });

  /** Measures a handler that takes `ms`, and calls `inner` in the middle. */
  function handle(ms: number, inner = () => {}): number {
    const startedAt = timer.start();
    clock.advance(ms / 2);
    inner();
    clock.advance(ms / 2);
    return timer.end(startedAt);
  }

  /** Runs `act` in a task. */
  async function inTask(act: () => void): Promise<void> {
    lane.add({
      run() {
        act();
        return true;
      },
    });
    await nextTurn();
  }

  it("measures each handler outside tasks, without the time between them", () => {
    expect(handle(3)).to.equal(3);
    clock.advance(100);
    expect(handle(4)).to.equal(4);
  });

  it("measures each handler of a task", async () => {
    const measured: number[] = [];
    await inTask(() => {
      for (const ms of [1, 60, 0, 2]) measured.push(handle(ms));
    });
    expect(measured).to.deep.equal([1, 60, 0, 2]);
  });

  it("does not count other work between two handlers of a task", async () => {
    const measured: number[] = [];
    await inTask(() => {
      measured.push(handle(1));
      clock.advance(60);
      measured.push(handle(2));
    });
    expect(measured).to.deep.equal([1, 2]);
  });

  it("does not count the time between two tasks", async () => {
    const measured: number[] = [];
    const act = () => {
      clock.advance(0.25);
      measured.push(handle(0.5));
    };
    for (let count = 0; count < 3; count += 1) {
      lane.add({
        run() {
          act();
          return true;
        },
      });
    }
    await nextTurn();
    expect(measured).to.deep.equal([0.5, 0.5, 0.5]);
  });

  it("does not count the time between two turns of a task", async () => {
    const measured: number[] = [];
    lane.add({
      run() {
        measured.push(handle(1));
        return measured.length === 3;
      },
    });
    for (let turn = 0; turn < 3; turn += 1) {
      clock.advance(100);
      await nextTurn();
    }
    expect(measured).to.deep.equal([1, 1, 1]);
  });

  for (const [where, within] of [
    ["outside tasks", (act: () => void) => act()],
    ["in a task", inTask],
  ] as const) {
    it(`measures a handler within a handler alone, and the outer one completely, ${where}`, async () => {
      const measured: number[] = [];
      await within(() => {
        measured.push(handle(2));
        measured.push(handle(60, () => measured.push(handle(10))));
        measured.push(handle(1));
      });
      expect(measured).to.deep.equal([2, 10, 70, 1]);
    });
  }

  it("names each consumer once", () => {
    const [one, other] = [class One {}, class Other {}];
    expect([one, other, one, other].map((consumer) => timer.isFirst(consumer))).to.deep.equal([
      ...[true, true, false, false],
    ]);
  });
});
