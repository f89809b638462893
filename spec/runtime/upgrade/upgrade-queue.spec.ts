import { AsyncLocalStorage } from "node:async_hooks";
import { PassThrough } from "node:stream";
import { expect } from "chai";
import type { Clock } from "greenroom";
import { SimulatedClock } from "xstate";
import type { Lane, Task } from "../../../layers/scheduling/lane.ts";
import type { Refusal } from "../../../runtime/http-response.ts";
import { type Limits, resolveLimits } from "../../../runtime/limits/limits.ts";
import { Scheduler } from "../../../runtime/scheduler/scheduler.ts";
import { Handshake } from "../../../runtime/socket/handshake.ts";
import { UpgradeQueue } from "../../../runtime/upgrade/upgrade-queue.ts";
import { nextTurn } from "../../support/next-turn.ts";

const inlineMs = 3;
const tasksMs = 5;

describe("UpgradeQueue", () => {
  let time: number;
  let clock: SimulatedClock;
  let scheduler: Scheduler;
  let admitted: number[];
  let scheduled: Task[];
  let refused: { number: number; refusal: Refusal }[];
  let handshakes: Handshake[];
  let queue: UpgradeQueue;
  beforeEach(() => {
    time = 0;
    admitted = [];
    scheduled = [];
    refused = [];
    handshakes = [];
    clock = new SimulatedClock();
    scheduler = new Scheduler(() => time);
    queue = queueWith({});
  });
  afterEach(() => queue.refuseAll({ status: 503, reason: "The spec is over" }));

  function queueWith(limits: Partial<Limits>): UpgradeQueue {
    const upgrades: Lane = {
      add(task) {
        scheduled.push(task);
        scheduler.upgrades.add(task);
      },
    };
    const { flushes, now } = scheduler;
    const inlineBudget = () => scheduler.inlineBudget();
    return new UpgradeQueue(
      {
        clock: clock as Clock,
        limits: resolveLimits(limits),
        scheduler: { flushes, inlineBudget, now, upgrades },
      },
      (handshake, refusal) => refused.push({ number: handshakes.indexOf(handshake), refusal }),
    );
  }

  /** Adds upgrades whose admission takes `ms` each. Their numbers continue those of earlier upgrades. */
  function add(count: number, ms: number): void {
    for (let left = count; left > 0; left -= 1) {
      const handshake = new Handshake(new PassThrough(), () => {});
      const number = handshakes.push(handshake) - 1;
      scheduler.flushes.add(handshake);
      queue.add(handshake, () => {
        admitted.push(number);
        time += ms;
      });
    }
  }

  const numbers = (count: number) => Array.from({ length: count }, (_, number) => number);

  /** Keeps a lane busy: its task takes its whole share of each turn. */
  function keepBusy(lane: Lane): { isOver: boolean } {
    const work = { isOver: false };
    lane.add({
      run(budget) {
        while (budget.hasTime && !work.isOver) {
          time += 0.25;
          budget.charge(64);
        }
        return work.isOver;
      },
    });
    return work;
  }

  it("admits upgrades at once while the turn has time, then the share of each turn, in order", async () => {
    add(20, 1);
    expect(admitted).to.deep.equal(numbers(inlineMs));
    await nextTurn();
    expect(admitted).to.deep.equal(numbers(inlineMs + tasksMs));
    await nextTurn();
    expect(admitted).to.deep.equal(numbers(inlineMs + 2 * tasksMs));
    // A turn with time left does not let an upgrade overtake the others.
    add(1, 1);
    expect(admitted).to.have.length(inlineMs + 2 * tasksMs);
    while (admitted.length < 21) await nextTurn();
    expect(admitted).to.deep.equal(numbers(21));
    // The owner of an admitted upgrade watches its client from then on.
    expect(handshakes.filter(({ onLost }) => onLost !== undefined)).to.deep.equal([]);
    add(1, 1);
    expect(admitted).to.have.length(22);
  });

  it("leaves reads, mailboxes and deliveries an equal share of the turn", async () => {
    const busy = [scheduler.reads, scheduler.mailboxes, scheduler.deliveries].map(keepBusy);
    add(20, 0.25);
    const before = admitted.length;
    await nextTurn();
    expect(admitted.length - before).to.equal(tasksMs / (busy.length + 1) / 0.25);
    for (const work of busy) work.isOver = true;
    while (admitted.length < 20) await nextTurn();
  });

  it("admits one upgrade in each turn, even if earlier lanes have used up the time", async () => {
    let isOver = false;
    scheduler.mailboxes.add({
      run() {
        time += 100;
        return isOver;
      },
    });
    add(inlineMs + 3, 1);
    for (let turn = 1; turn <= 3; turn += 1) {
      await nextTurn();
      expect(admitted).to.have.length(inlineMs + turn);
    }
    isOver = true;
  });

  it("refuses more than maxWaitingUpgrades, and admits again when there is room", async () => {
    queue = queueWith({ maxWaitingUpgrades: 4 });
    add(inlineMs + 4 + 2, 1);
    expect(refused.map(({ number }) => number)).to.deep.equal([7, 8]);
    expect(refused[0]?.refusal).to.deep.equal({
      status: 503,
      reason: "Too many clients are connecting",
      headers: { "Retry-After": 1 },
      cause: "queue",
    });
    await nextTurn();
    add(1, 1);
    expect(admitted).to.deep.equal([...numbers(inlineMs + 4), 9]);
    expect(refused).to.have.length(2);
  });

  it("refuses an upgrade that would wait longer than maxUpgradeWaitMs at the measured rate", async () => {
    queue = queueWith({ maxUpgradeWaitMs: 2_000 });
    // In each turn, one upgrade is admitted at once, and one waits. The rate approaches one upgrade in 20 ms.
    for (let turn = 0; turn < 60; turn += 1) {
      add(2, 20);
      await nextTurn();
    }
    add(1, inlineMs);
    expect(refused).to.deep.equal([]);
    add(200, 20);
    const waiting = 200 - refused.length;
    expect(waiting).to.be.within(95, 105);
    expect(refused[0]?.number).to.equal(handshakes.length - refused.length);
  });

  it("measures the mean rate if some upgrades take longer than others", async () => {
    queue = queueWith({ maxUpgradeWaitMs: 2_000 });
    for (let turn = 0; turn < 60; turn += 1) {
      add(1, 20);
      add(1, turn % 2 === 0 ? 10 : 30);
      await nextTurn();
    }
    add(1, inlineMs);
    add(200, 20);
    expect(200 - refused.length).to.be.within(85, 115);
  });

  it("spreads Retry-After over the time that the queue needs, in whole seconds", async () => {
    queue = queueWith({ maxUpgradeWaitMs: 4_000 });
    add(10_000, inlineMs);
    const seconds = refused.map(({ refusal }) => Number(refusal.headers?.["Retry-After"]));
    const counts = [1, 2, 3, 4, 5].map((second) => seconds.filter((each) => each === second).length);
    expect(counts.reduce((sum, count) => sum + count)).to.equal(seconds.length);
    // The wait is a little more than 4 s, so 5 is rare, and the others are about equally frequent.
    for (const count of counts.slice(0, 4)) expect(count / seconds.length).to.be.within(0.2, 0.3);
  });

  it("does not take a single long turn for the rate", async () => {
    add(1, inlineMs);
    add(1_000, 0.5);
    time += 10_000;
    await nextTurn();
    add(1_000, 0.5);
    expect(refused).to.deep.equal([]);
  });

  it("does not take a single long admission for the rate", async () => {
    add(1, inlineMs);
    add(1, 10_000);
    await nextTurn();
    add(1_000, 0.5);
    expect(refused).to.deep.equal([]);
  });

  it("forgets an upgrade whose client disconnects while it waits", async () => {
    queue = queueWith({ maxWaitingUpgrades: 3 });
    add(inlineMs + 3, 1);
    const lost = handshakes[4];
    lost?.onLost?.();
    add(2, 1);
    expect(refused.map(({ number }) => number)).to.deep.equal([7]);
    await nextTurn();
    expect(admitted).to.deep.equal([0, 1, 2, 3, 5, 6]);
    clock.increment(1_000_000);
    expect(refused).to.have.length(1);
  });

  it("is scheduled once, if all upgrades are lost and others follow in the same turn", async () => {
    add(inlineMs + 1, 1);
    handshakes[inlineMs]?.onLost?.();
    time += 1;
    add(20, 1);
    const before = admitted.length;
    await nextTurn();
    expect(admitted.length - before).to.equal(tasksMs);
    while (admitted.length < inlineMs + 20) await nextTurn();
    expect(scheduled).to.deep.equal([queue]);
    add(inlineMs + 1, 1);
    expect(scheduled).to.deep.equal([queue, queue]);
  });

  it("refuses an upgrade that waits longer than connectTimeoutMs", async () => {
    queue = queueWith({ connectTimeoutMs: 100 });
    add(inlineMs + 2 * tasksMs + 2, 1);
    // The timers start when the flushes run.
    await nextTurn();
    await nextTurn();
    clock.increment(100);
    const late = [inlineMs + 2 * tasksMs, inlineMs + 2 * tasksMs + 1];
    expect(refused.map(({ number }) => number)).to.deep.equal(late);
    expect(refused[0]?.refusal).to.deep.equal({
      status: 503,
      reason: "Connecting took too long",
      cause: "timeout",
    });
    await nextTurn();
    expect(admitted).to.deep.equal(numbers(inlineMs + 2 * tasksMs));
  });

  it("refuses all waiting upgrades on request, and then admits others", async () => {
    add(inlineMs + 2, 1);
    const refusal = { status: 503, reason: "Later" };
    queue.refuseAll(refusal);
    expect(refused).to.deep.equal([3, 4].map((number) => ({ number, refusal })));
    await nextTurn();
    clock.increment(1_000_000);
    add(1, 1);
    expect(admitted).to.deep.equal([0, 1, 2, 5]);
    expect(refused).to.have.length(2);
  });

  it("admits in the async context of the arrival", async () => {
    const context = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    add(1, inlineMs);
    const handshake = new Handshake(new PassThrough(), () => {});
    context.run("arrival", () => queue.add(handshake, () => seen.push(context.getStore())));
    expect(seen).to.deep.equal([]);
    await nextTurn();
    expect(seen).to.deep.equal(["arrival"]);
  });
});
