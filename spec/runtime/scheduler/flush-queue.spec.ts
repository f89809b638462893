import { expect } from "chai";
import type { Task } from "../../../layers/scheduling/lane.ts";
import { type Flushable, type FlushQueue, sliceMs } from "../../../runtime/scheduler/flush-queue.ts";
import { Scheduler } from "../../../runtime/scheduler/scheduler.ts";
import { nextTurn } from "../../support/next-turn.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);

describe("FlushQueue", () => {
  let now: number;
  let flushed: number[];
  let scheduler: Scheduler;
  let queue: FlushQueue;

  beforeEach(() => {
    now = 0;
    flushed = [];
    scheduler = new Scheduler(() => now);
    queue = scheduler.flushes;
  });

  /** A write that takes `ms`. */
  const write = (n: number, ms = 0): Flushable => ({
    flush() {
      flushed.push(n);
      now += ms;
    },
  });

  function add(count: number, ms = 0): void {
    for (const n of numbers(count)) queue.add(write(n, ms));
  }

  /** Adds `count` writes from a task, as a delivery to a group does. */
  function addFromTask(first: number, count: number, ms: number): void {
    const task: Task = {
      run() {
        for (const n of numbers(count)) queue.add(write(first + n, ms));
        return true;
      },
    };
    scheduler.deliveries.add(task);
  }

  /** The number of flushes in each turn until all are done. */
  async function perTurn(total: number): Promise<number[]> {
    const counts: number[] = [];
    while (flushed.length < total) {
      const before = flushed.length;
      await nextTurn();
      if (flushed.length > before) counts.push(flushed.length - before);
    }
    return counts;
  }

  it("flushes the entries of two turns once, in order, at the end of the second turn", async () => {
    for (const n of numbers(500)) queue.add(write(n));
    await nextTurn();
    expect(flushed).to.deep.equal([]);
    for (const n of numbers(500)) queue.add(write(500 + n));
    await nextTurn();
    await nextTurn();
    await nextTurn();
    expect(flushed).to.deep.equal(numbers(1_000));
  });

  it("flushes at the end of the first turn if that turn has taken 5 ms", async () => {
    queue.add(write(1));
    now += 5;
    await nextTurn();
    expect(flushed).to.deep.equal([1]);
    queue.add(write(2));
    await nextTurn();
    expect(flushed).to.deep.equal([1]);
    await nextTurn();
    expect(flushed).to.deep.equal([1, 2]);
  });

  it("flushes everything in one turn if that takes at most 10 ms", async () => {
    add(1_000, 0.009);
    expect(await perTurn(1_000)).to.deep.equal([1_000]);
    add(500, 0.009);
    flushed = [];
    expect(await perTurn(500)).to.deep.equal([500]);
  });

  it("finishes a flush that takes a little longer than measured before", async () => {
    add(1_000, 0.009);
    await perTurn(1_000);
    add(1_000, 0.011);
    flushed = [];
    expect(await perTurn(1_000)).to.deep.equal([1_000]);
  });

  it("finishes a short flush at the end of a long turn, even if it takes a little longer than measured", async () => {
    add(1_000, 0.009);
    await perTurn(1_000);
    flushed = [];
    const count = Math.floor((0.95 * sliceMs) / 0.01);
    add(count, 0.011);
    now += 100;
    await nextTurn();
    expect(flushed).to.have.length(count);
  });

  it("flushes in slices of several turns if everything takes longer than 10 ms", async () => {
    add(10_000, 0.01);
    const counts = await perTurn(10_000);
    const perSlice = sliceMs / 0.01;
    // The queue checks the clock after every 4 writes. The last 1,000 writes fit into a turn.
    for (const count of counts.slice(0, -1)) expect(count).to.be.within(perSlice, perSlice + 4);
    expect(counts.at(-1)).to.be.within(perSlice + 5, 1_000);
    expect(flushed).to.deep.equal(numbers(10_000));
  });

  it("learns how long a flush takes", async () => {
    add(2_000, 0.1);
    await perTurn(2_000);
    flushed = [];
    // 200 writes of 0.1 ms do not fit into a turn.
    add(200, 0.1);
    const [first] = await perTurn(200);
    expect(first).to.be.at.most(sliceMs / 0.1 + 4);
  });

  it("does not flush everything in a turn that has taken time before", async () => {
    add(800, 0.01);
    await nextTurn();
    now += 4;
    await nextTurn();
    expect(flushed.length).to.be.within(sliceMs / 0.01, sliceMs / 0.01 + 4);
    await perTurn(800);
  });

  it("flushes the outboxes of a small group within a turn while those of a large group wait", async () => {
    addFromTask(0, 5_000, 0.01);
    await nextTurn();
    addFromTask(5_000, 10, 0.01);
    await nextTurn();
    const small = flushed.filter((n) => n >= 5_000);
    expect(small).to.deep.equal(numbers(10).map((n) => 5_000 + n));
    expect(flushed.length).to.be.below(1_500);
    while (flushed.length < 5_010) await nextTurn();
    expect(flushed.filter((n) => n < 5_000)).to.deep.equal(numbers(5_000));
  });

  it("flushes a large and a small group in one turn if both fit into it", async () => {
    addFromTask(0, 900, 0.009);
    addFromTask(900, 10, 0.009);
    expect(await perTurn(910)).to.deep.equal([910]);
  });

  it("gives the time that small groups do not need to a large group", async () => {
    addFromTask(0, 5_000, 0.01);
    for (const n of numbers(20)) addFromTask(5_000 + n, 1, 0.01);
    const [first = 0] = await perTurn(5_020);
    expect(first).to.be.at.least(sliceMs / 0.01 - 20);
  });

  it("flushes every batch in bounded turns, even if slow writes refill the batches before it", async () => {
    let isOver = false;
    /** A task that keeps 8 writes of 3 ms waiting. */
    const refilling = (n: number): Task => {
      let waiting = 0;
      const slow: Flushable = {
        flush() {
          waiting -= 1;
          flushed.push(n);
          now += 3;
        },
      };
      return {
        run() {
          for (; waiting < 8 && !isOver; waiting += 1) queue.add({ ...slow });
          return isOver && waiting === 0;
        },
      };
    };
    scheduler.deliveries.add(refilling(1));
    scheduler.deliveries.add(refilling(2));
    addFromTask(3, 1, 3);
    for (const _ of numbers(6)) await nextTurn();
    expect(flushed).to.include(3);
    isOver = true;
    for (const _ of numbers(20)) await nextTurn();
  });

  it("flushes an entry that is added after a flush has added to another batch", async () => {
    scheduler.deliveries.add({
      run() {
        queue.add({ flush: () => queue.add(write(1)) });
        return true;
      },
    });
    await nextTurn();
    // This batch is flushed after the batch of the task.
    queue.add(write(0));
    await nextTurn();
    queue.add(write(2));
    for (const _ of numbers(3)) await nextTurn();
    expect(flushed).to.deep.equal([0, 1, 2]);
  });

  it("flushes an entry that a flush adds in a later turn", async () => {
    const again = write(1);
    queue.add({
      flush() {
        flushed.push(0);
        queue.add(again);
      },
    });
    await nextTurn();
    await nextTurn();
    expect(flushed).to.deep.equal([0]);
    await nextTurn();
    expect(flushed).to.deep.equal([0, 1]);
  });

  it("announces each flush before its first entry", async () => {
    const seen: number[] = [];
    queue.onFlush = () => seen.push(flushed.length);
    add(10);
    await perTurn(10);
    add(10);
    await perTurn(20);
    expect(seen).to.deep.equal([0, 10]);
  });
});
