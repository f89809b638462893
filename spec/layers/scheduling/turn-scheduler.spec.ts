import { AsyncLocalStorage } from "node:async_hooks";
import { expect } from "chai";
import fc from "fast-check";
import type { Budget, Task } from "../../../layers/scheduling/lane.ts";
import { type RoundRobin, TurnScheduler } from "../../../layers/scheduling/turn-scheduler.ts";
import { nextTurn } from "../../support/next-turn.ts";
import { measureTurnMs, VirtualClock } from "../support/virtual-clock.ts";

/** A step of 1 µs: its time is negligible, and so is the time of the steps between two readings. */
const tinyMs = 0.001;
const tinyIntervalMs = 0.1;
const endless = Number.POSITIVE_INFINITY;

interface Plan {
  readonly lane: number;
  /** The number of steps. */
  readonly steps: number;
  readonly stepMs: number;
  /** Tasks that the first step adds. */
  readonly children: readonly Plan[];
}

/** A scheduler under a virtual clock, which notes the runs of its tasks. */
class World {
  readonly clock = new VirtualClock();
  readonly turns = new TurnScheduler(this.clock.now);
  readonly lanes: readonly Lane[];
  /** Violations of the promises, which tasks must not throw. */
  readonly failures: string[] = [];
  /** The lane of the running task. */
  runningLane: number | undefined;
  /** Whether endless tasks end. */
  isOver = false;

  constructor(lanes: number) {
    this.lanes = Array.from({ length: lanes }, () => new Lane(this.turns.lane()));
  }

  add(plan: Plan): Worker {
    const worker = new Worker(this, plan);
    this.lanes[plan.lane]?.add(worker);
    return worker;
  }

  get size(): number {
    return this.lanes.reduce((sum, { waiting }) => sum + waiting.length, 0);
  }

  /** @throws if a promise is broken. */
  async turn(): Promise<void> {
    for (const lane of this.lanes) lane.startTurn();
    await nextTurn();
    expect(this.failures).to.deep.equal([]);
  }

  async end(): Promise<void> {
    this.isOver = true;
    for (let left = this.size; left > 0; left -= 1) await nextTurn();
    expect(this.size).to.equal(0);
  }
}

class Lane {
  readonly tasks: RoundRobin;
  /** The tasks that wait. */
  readonly waiting: Worker[] = [];
  /** The number of tasks, and those of them that have not run, since the start of the turn. */
  atStart = 0;
  notRun = 0;
  /** The time that the tasks have taken since the start of the turn, in ms. */
  ms = 0;

  constructor(tasks: RoundRobin) {
    this.tasks = tasks;
  }

  add(worker: Worker): void {
    worker.waits(this.waiting.length);
    this.waiting.push(worker);
    this.tasks.add(worker);
  }

  startTurn(): void {
    this.atStart = this.waiting.length;
    this.notRun = this.atStart;
    this.ms = 0;
  }
}

class Worker implements Task {
  readonly #world: World;
  readonly #plan: Plan;
  steps = 0;
  /** The turns in which the task may run next. */
  #earliest = 0;
  #latest = 0;

  constructor(world: World, plan: Plan) {
    this.#world = world;
    this.#plan = plan;
  }

  /** Called when the task is added, or has run and is not finished. `ahead` tasks run before it. */
  waits(ahead: number): void {
    const { turns, runningLane } = this.#world;
    this.#earliest = turns.number + (runningLane === this.#plan.lane ? 1 : 0);
    // In each turn, a lane runs at least one of its tasks, and moves at most one behind the others.
    this.#latest = turns.number + ahead + 2;
  }

  run(budget: Budget): boolean {
    const { clock, lanes, turns } = this.#world;
    const { lane: index, steps, stepMs, children } = this.#plan;
    const lane = lanes[index] as Lane;
    lane.waiting.splice(lane.waiting.indexOf(this), 1);
    for (const [name, holds] of Object.entries({
      "the running task is known": lane.tasks.running === this,
      "a task that is added to a running lane waits": turns.number >= this.#earliest,
      "tasks run in bounded turns": turns.number <= this.#latest,
      "a task has time for a step": budget.hasTime,
    })) {
      if (!holds) this.#world.failures.push(name);
    }
    if (lane.notRun > 0) lane.notRun -= 1;
    this.#world.runningLane = index;
    const start = clock.time;
    do {
      clock.advance(stepMs);
      this.steps += 1;
      if (this.steps === 1) for (const child of children) this.#world.add(child);
      budget.charge(1);
    } while (this.steps < steps && budget.hasTime && !this.#world.isOver);
    lane.ms += clock.time - start;
    const isDone = this.steps >= steps || this.#world.isOver;
    if (!isDone) {
      this.waits(lane.waiting.length);
      lane.waiting.push(this);
    }
    this.#world.runningLane = undefined;
    return isDone;
  }
}

const laneCount = 3;
const costs = fc.oneof(fc.constant(tinyMs), fc.double({ min: 0.001, max: 0.3, noNaN: true }));
const finite = fc.integer({ min: 1, max: 400 });
const leaf = fc.record<Plan>({
  lane: fc.nat(laneCount - 1),
  steps: finite,
  stepMs: costs,
  children: fc.constant([]),
});
const plan = fc.record<Plan>({
  lane: fc.nat(laneCount - 1),
  steps: fc.oneof({ weight: 5, arbitrary: finite }, { weight: 1, arbitrary: fc.constant(endless) }),
  stepMs: costs,
  children: fc.array(leaf, { maxLength: 2 }),
});
/** The tasks that are added in each turn. */
const arrivals = fc.array(fc.array(plan, { maxLength: 4 }), { minLength: 1, maxLength: 10 });

const planOf = (lane: number, given: Partial<Plan> = {}): Plan => ({
  ...{ lane, steps: endless, stepMs: tinyMs, children: [] },
  ...given,
});

describe("TurnScheduler", () => {
  /** The time of all tasks in one turn. */
  let turnMs: number;
  let world: World;
  before(async () => {
    turnMs = await measureTurnMs();
  });
  beforeEach(() => {
    world = new World(laneCount);
  });
  afterEach(() => world.end());

  /** Runs `check` with a new world in each of many runs. */
  const forAny = (check: (turns: readonly (readonly Plan[])[]) => Promise<void>) =>
    fc.assert(
      fc.asyncProperty(arrivals, async (turns) => {
        world = new World(laneCount);
        try {
          await check(turns);
        } finally {
          // Otherwise endless tasks would keep the process running.
          await world.end();
        }
      }),
      { numRuns: 150 },
    );

  it("runs each task in bounded turns, for any arrivals, costs and endless tasks", () =>
    forAny(async (turns) => {
      const finite: { readonly worker: Worker; readonly steps: number }[] = [];
      for (const plans of turns) {
        for (const one of plans) {
          const worker = world.add(one);
          if (one.steps < endless) finite.push({ worker, steps: one.steps });
        }
        // Each run is checked: see `Worker.run`.
        await world.turn();
      }
      for (let left = 20_000; finite.some(({ worker, steps }) => worker.steps < steps); left -= 1) {
        expect(left).to.be.above(0);
        await world.turn();
      }
      await world.end();
      for (const { worker, steps } of finite) expect(worker.steps).to.equal(steps);
    }));

  it("divides the time of a turn among the lanes with work, for any arrivals and costs", () =>
    forAny(async (turns) => {
      for (const plans of [...turns, ...Array.from({ length: 5 }, () => [])]) {
        for (const one of plans) world.add(one);
        // The first reading ends the gap between two turns.
        world.clock.now();
        world.clock.longestGap = 0;
        const start = world.clock.time;
        await world.turn();
        const { longestGap } = world.clock;
        const busy = world.lanes.filter(({ ms }) => ms > 0);
        expect(world.clock.time - start).to.be.at.most(turnMs + busy.length * longestGap + 1e-9);
        // A lane may have got tasks only after the shares were computed.
        if (busy.some(({ atStart }) => atStart === 0)) continue;
        for (const { ms, notRun } of busy) {
          if (notRun === 0) continue;
          const least = turnMs / busy.length - tinyIntervalMs - busy.length * longestGap;
          expect(ms, "time of a lane with work left").to.be.at.least(least);
        }
      }
    }));

  it("gives equal shares to lanes, regardless of the number of their tasks", async () => {
    for (let n = 0; n < 50; n += 1) world.add(planOf(0));
    for (const lane of [1, 2]) world.add(planOf(lane));
    for (let turn = 0; turn < 5; turn += 1) {
      await world.turn();
      for (const { ms } of world.lanes) expect(ms).to.be.closeTo(turnMs / 3, tinyIntervalMs);
    }
  });

  it("gives the share that a lane does not need to the lanes after it", async () => {
    world.add(planOf(0, { steps: 5 }));
    for (const lane of [1, 2]) world.add(planOf(lane));
    await world.turn();
    for (const { ms } of world.lanes.slice(1)) expect(ms).to.be.closeTo(turnMs / 2, tinyIntervalMs);
  });

  it("gives equal shares to the tasks of a lane", async () => {
    const workers = [1, 2, 3, 4].map(() => world.add(planOf(0)));
    await world.turn();
    for (const { steps } of workers) {
      expect(steps * tinyMs).to.be.closeTo(turnMs / 4, tinyIntervalMs);
    }
  });

  it("keeps the share of a lane if a lane before it gets its first task in the same turn", async () => {
    // A mailbox sends to a group, while a socket has bytes to read.
    world.add(planOf(0, { steps: 1, children: [planOf(1)] }));
    world.add(planOf(2));
    await world.turn();
    expect(world.lanes[1]?.ms).to.be.above(0);
    expect(world.lanes[2]?.ms).to.be.at.least(turnMs / 4);
  });

  it("runs at least one step of each lane, even if the lanes before have used the whole turn", async () => {
    world.add(planOf(0, { stepMs: 100 }));
    const last = world.add(planOf(2));
    for (let turn = 1; turn <= 5; turn += 1) {
      const { steps } = last;
      await world.turn();
      expect(last.steps).to.be.above(steps);
    }
  });

  it("runs a task that is added to the running lane in the next turn", async () => {
    const order: string[] = [];
    const [lane] = [world.turns.lane()];
    const task = (name: string, act = () => {}): Task => ({
      run() {
        order.push(`${name} in ${world.turns.number}`);
        act();
        return true;
      },
    });
    lane.add(task("first", () => lane.add(task("third"))));
    lane.add(task("second"));
    await nextTurn();
    await nextTurn();
    expect(order).to.deep.equal(["first in 1", "second in 1", "third in 2"]);
  });

  it("returns to sockets and timers between two turns", async () => {
    world.add(planOf(0));
    await world.turn();
    let turn = 0;
    await new Promise<void>((resolve) => {
      setTimeout(() => {
        turn = world.turns.number;
        resolve();
      }, 0);
    });
    await world.turn();
    expect(world.turns.number).to.equal(turn + 1);
  });

  it("runs tasks in the async context of the node, and not of the sender", async () => {
    const storage = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const [lane] = [world.turns.lane()];
    const task: Task = {
      run() {
        seen.push(storage.getStore());
        return seen.length === 2;
      },
    };
    storage.run("sender", () => lane.add(task));
    await nextTurn();
    await nextTurn();
    expect(seen).to.deep.equal([undefined, undefined]);
  });

  it("names the running task only while it runs", async () => {
    const worker = world.add(planOf(0));
    const [lane] = world.lanes;
    expect(lane?.tasks.running).to.equal(undefined);
    await world.turn();
    expect(worker.steps).to.be.above(0);
    expect(lane?.tasks.running).to.equal(undefined);
  });

  describe("#inlineBudget", () => {
    const spend = (ms: number) => {
      world.clock.advance(ms);
      world.turns.inlineBudget().charge(1);
      return world.turns.inlineBudget().hasTime;
    };

    it("has time for some milliseconds of each turn, and again in the next turn", async () => {
      for (let turn = 0; turn < 3; turn += 1) {
        world.turns.scheduleEnd();
        expect(world.turns.inlineBudget().hasTime).to.equal(true);
        expect(spend(1)).to.equal(true);
        expect(spend(20)).to.equal(false);
        world.turns.scheduleEnd();
        expect(world.turns.inlineBudget().hasTime).to.equal(false);
        await nextTurn();
      }
    });

    it("does not take time from tasks", async () => {
      world.add(planOf(0));
      spend(100);
      await world.turn();
      expect(world.lanes[0]?.ms).to.be.closeTo(turnMs, tinyIntervalMs);
    });
  });

  describe("#socketBudget", () => {
    const longMs = 10;
    const nextTick = () => new Promise<void>((resolve) => process.nextTick(resolve));
    const workFor = (ms: number) => {
      world.turns.scheduleEnd();
      world.clock.advance(ms);
      world.turns.socketBudget();
    };

    it("ends the turn after the calling work, and not once more in the check phase", async () => {
      const worker = world.add(planOf(0, { steps: 1 }));
      workFor(longMs);
      workFor(longMs);
      expect(worker.steps).to.equal(0);
      await nextTick();
      expect([worker.steps, world.turns.number]).to.deep.equal([1, 1]);
      await nextTurn();
      expect(world.turns.number).to.equal(1);
      workFor(longMs);
      await nextTick();
      expect(world.turns.number).to.equal(2);
    });

    it("ends a shorter turn in the check phase", async () => {
      workFor(longMs - 1);
      await nextTick();
      expect(world.turns.number).to.equal(0);
      await nextTurn();
      expect(world.turns.number).to.equal(1);
    });

    it("continues with the tasks that are left, in the next turn", async () => {
      const worker = world.add(planOf(0));
      workFor(longMs);
      await nextTick();
      const { steps } = worker;
      expect(steps).to.be.above(0);
      await nextTick();
      expect(worker.steps).to.equal(steps);
      await world.turn();
      expect(worker.steps).to.be.above(steps);
    });

    it("leaves the end of a long turn to the check phase, if a timer has taken the time", async () => {
      world.turns.scheduleEnd();
      world.clock.advance(longMs);
      world.turns.inlineBudget();
      await nextTick();
      expect(world.turns.number).to.equal(0);
      await nextTurn();
      expect(world.turns.number).to.equal(1);
    });

    it("does not count the time of tasks and of the end of the turn", async () => {
      world.lanes[0]?.tasks.add({
        run() {
          workFor(longMs);
          return true;
        },
      });
      world.turns.onTurnEnd = () => {
        workFor(longMs);
        return world.turns.number < 2;
      };
      await nextTurn();
      await nextTick();
      expect(world.turns.number).to.equal(1);
      await nextTurn();
      expect(world.turns.number).to.equal(2);
    });
  });

  it("gives equal tasks equal time, although steps are not divisible", async () => {
    const steps = [0, 0, 0];
    for (const index of steps.keys()) {
      world.lanes[0]?.tasks.add({
        run(budget) {
          for (; budget.hasTime; steps[index] = (steps[index] ?? 0) + 1) {
            world.clock.advance(1);
            world.turns.checkAt(world.clock.now());
          }
          return world.isOver;
        },
      });
    }
    for (let turn = 0; turn < 30; turn += 1) await nextTurn();
    world.isOver = true;
    expect(Math.max(...steps) - Math.min(...steps)).to.be.at.most(2);
  });

  it("goes on with the other work after a task has thrown", async () => {
    const errors: unknown[] = [];
    const { lanes } = world;
    const listeners = process.rawListeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    process.once("uncaughtException", (error) => errors.push(error.message));
    lanes[0]?.tasks.add({
      run() {
        throw new Error("a task threw");
      },
    });
    let runs = 0;
    for (const lane of lanes) {
      lane.tasks.add({
        run() {
          runs += 1;
          return true;
        },
      });
    }
    await nextTurn();
    await nextTurn();
    await nextTurn();
    for (const listener of listeners) process.on("uncaughtException", listener as () => void);
    expect([errors, runs]).to.deep.equal([["a task threw"], lanes.length]);
  });

  describe("#checkAt", () => {
    it("ends the budget of the running task after one slow step that was measured elsewhere", async () => {
      const runs: number[] = [];
      world.lanes[0]?.tasks.add({
        run(budget) {
          let steps = 0;
          for (; budget.hasTime && steps < 100; steps += 1) {
            world.clock.advance(1);
            world.turns.checkAt(world.clock.now());
          }
          runs.push(steps);
          return runs.length === 3;
        },
      });
      for (let turn = 0; turn < 3; turn += 1) await nextTurn();
      expect(runs).to.deep.equal(Array(3).fill(Math.floor(turnMs)));
    });
  });

  describe("#onTurnEnd", () => {
    it("is called after the tasks of each requested turn, with the time of the request", async () => {
      const seen: string[] = [];
      world.turns.onTurnEnd = (startedAt) => {
        seen.push(`${startedAt}`);
        return seen.length < 3;
      };
      world.clock.advance(7);
      world.turns.scheduleEnd();
      world.clock.advance(2);
      world.turns.scheduleEnd();
      for (let turn = 0; turn < 6; turn += 1) await nextTurn();
      expect(seen).to.deep.equal(["7", "9", "9"]);
      expect(world.turns.number).to.equal(3);
    });
  });
});
