import { expect } from "chai";
import fc from "fast-check";
import type { Task } from "../../../layers/scheduling/lane.ts";
import { type Flushable, sliceMs } from "../../../runtime/scheduler/flush-queue.ts";
import { Scheduler } from "../../../runtime/scheduler/scheduler.ts";
import { nextTurn } from "../../support/next-turn.ts";

const taskCount = 5;
/** One for each task, and one for additions from outside. */
const batchCount = taskCount + 1;

/** A flushable that takes `ms`, and those that its flush adds. */
interface Write {
  readonly ms: number;
  readonly children: readonly Write[];
}

/** Writes that are added together, from the task `by` or from outside. */
interface Addition {
  readonly by: number | undefined;
  readonly writes: readonly Write[];
}

interface Turn {
  readonly additions: readonly Addition[];
  /** The time of other work in this turn, in ms. */
  readonly otherMs: number;
}

/** A queue under a virtual clock. Checks each flush. */
class World {
  time = 0;
  turn = 0;
  /** The time that the waiting writes will take, in ms. */
  backlogMs = 0;
  readonly failures: string[] = [];
  /** The waiting writes of each batch, in the order of addition. */
  readonly batches = new Map<Task | undefined, Entry[]>();
  readonly #scheduler = new Scheduler(() => this.time);
  readonly #tasks = Array.from({ length: taskCount }, () => new Adder(this));

  add(addition: Addition): void {
    const task = addition.by === undefined ? undefined : this.#tasks[addition.by];
    if (task === undefined) this.enqueue(undefined, addition.writes);
    else if (task.writes.push(addition.writes) === 1) this.#scheduler.deliveries.add(task);
  }

  enqueue(task: Task | undefined, writes: readonly Write[], earliest = this.turn): void {
    for (const write of writes) {
      const batch = this.batches.get(task) ?? [];
      this.batches.set(task, batch);
      const entry = new Entry(this, task, write, { earliest, ahead: batch.length });
      batch.push(entry);
      this.backlogMs += write.ms;
      this.#scheduler.flushes.add(entry);
    }
  }

  get waiting(): Entry[] {
    return [...this.batches.values()].flat();
  }

  async next(otherMs = 0): Promise<void> {
    this.time += otherMs;
    this.turn += 1;
    await nextTurn();
    for (const { latest } of this.waiting) {
      if (this.turn > latest) this.failures.push(`a write still waits in turn ${this.turn}`);
    }
    if (this.failures.length > 0) throw new Error(this.failures[0]);
  }
}

/** Adds writes when it runs, as the delivery to a group does. */
class Adder implements Task {
  readonly writes: (readonly Write[])[] = [];
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  run(): true {
    for (const writes of this.writes.splice(0)) this.#world.enqueue(this, writes);
    return true;
  }
}

class Entry implements Flushable {
  /** The last turn in which the flush may happen. */
  readonly latest: number;
  readonly #earliest: number;
  readonly #world: World;
  readonly #task: Task | undefined;
  readonly #write: Write;

  constructor(
    world: World,
    task: Task | undefined,
    write: Write,
    { earliest, ahead }: { readonly earliest: number; readonly ahead: number },
  ) {
    this.#world = world;
    this.#task = task;
    this.#write = write;
    this.#earliest = earliest;
    // Each turn flushes at least one write of one batch, and all batches take turns.
    this.latest = world.turn + 2 + ahead * batchCount;
  }

  flush(): void {
    const world = this.#world;
    const { ms, children } = this.#write;
    const isFirst = world.batches.get(this.#task)?.shift() === this;
    if (!isFirst) world.failures.push("a write is flushed twice, or out of order");
    if (world.turn < this.#earliest) world.failures.push("a write that a flush adds does not wait");
    world.time += ms;
    world.backlogMs -= ms;
    world.enqueue(undefined, children, world.turn + 1);
  }
}

const ms = fc.oneof(
  { weight: 3, arbitrary: fc.double({ min: 0, max: 0.05, noNaN: true }) },
  { weight: 1, arbitrary: fc.double({ min: 0, max: 3, noNaN: true }) },
);
const childless = fc.record<Write>({ ms, children: fc.constant([]) });
const write = fc.oneof(
  { weight: 9, arbitrary: childless },
  {
    weight: 1,
    arbitrary: fc.record<Write>({ ms, children: fc.array(childless, { minLength: 1, maxLength: 2 }) }),
  },
);
const addition = fc.record<Addition>({
  by: fc.option(fc.nat(taskCount - 1), { nil: undefined }),
  writes: fc.oneof(
    fc.array(write, { maxLength: 20 }),
    // A large group: many equal writes.
    fc.tuple(childless, fc.nat(1_500)).map(([one, count]) => Array.from({ length: count }, () => one)),
  ),
});
const turn = fc.record<Turn>({
  additions: fc.array(addition, { maxLength: 4 }),
  otherMs: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 30, noNaN: true })),
});

describe("FlushQueue, in any sequence of additions and turns,", () => {
  it("flushes all once, in the order of each batch, and within bounded turns", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(turn, { minLength: 1, maxLength: 8 }), async (turns) => {
        const world = new World();
        for (const { additions, otherMs } of turns) {
          for (const one of additions) world.add(one);
          // Fails if a write is flushed in a wrong order or turn.
          await world.next(otherMs);
        }
        // The last turn may have added children, which are not due yet.
        const latest = world.turn + Math.ceil(world.backlogMs / sliceMs) + 2;
        while (world.waiting.length > 0) {
          expect(world.turn).to.be.below(latest);
          await world.next();
        }
      }),
      { numRuns: 100 },
    );
  });
});
