import { expect } from "chai";
import { type Flushable, FlushScheduler } from "../../../runtime/socket/flush-scheduler.ts";

const immediate = () => new Promise((resolve) => setImmediate(resolve));

describe("FlushScheduler", () => {
  let now = 0;
  let flushed: number[] = [];
  /** A write that takes `ms`. */
  const write = (n: number, ms = 0): Flushable => ({
    flush() {
      flushed.push(n);
      now += ms;
    },
  });

  beforeEach(() => {
    now = 0;
    flushed = [];
  });

  it("flushes the entries of two turns once, in order, at the end of the second turn", async () => {
    const scheduler = new FlushScheduler(() => now);
    const { root } = scheduler;
    for (let n = 0; n < 500; n += 1) scheduler.add(write(n));
    await immediate();
    expect(flushed).to.deep.equal([]);
    expect(scheduler.root).to.equal(root);
    for (let n = 500; n < 1_000; n += 1) scheduler.add(write(n));
    await immediate();
    await immediate();
    await immediate();
    expect(flushed).to.deep.equal(Array.from({ length: 1_000 }, (_, n) => n));
  });

  it("flushes at the end of the first turn if that turn has taken 5 ms", async () => {
    const scheduler = new FlushScheduler(() => now);
    scheduler.add(write(1));
    now += 5;
    await immediate();
    expect(flushed).to.deep.equal([1]);
    scheduler.add(write(2));
    await immediate();
    expect(flushed).to.deep.equal([1]);
    await immediate();
    expect(flushed).to.deep.equal([1, 2]);
  });

  it("flushes for 5 ms in a turn, and continues in the next turns", async () => {
    const scheduler = new FlushScheduler(() => now);
    for (let n = 0; n < 1_000; n += 1) scheduler.add(write(n, 0.05));
    await immediate();
    const perTurn: number[] = [];
    for (let before = 0; before < 1_000; before = flushed.length) {
      await immediate();
      perTurn.push(flushed.length - before);
    }
    expect(flushed).to.deep.equal(Array.from({ length: 1_000 }, (_, n) => n));
    // 100 writes take 5 ms, and the scheduler checks the clock after every 4 writes.
    for (const count of perTurn) expect(count).to.be.at.most(100 + 4);
    expect(perTurn.length).to.be.within(7, 10);
  });

  it("flushes entries that are added meanwhile after the waiting entries", async () => {
    const scheduler = new FlushScheduler(() => now);
    for (let n = 0; n < 200; n += 1) scheduler.add(write(n, 0.1));
    await immediate();
    await immediate();
    expect(flushed.length).to.be.within(1, 199);
    scheduler.add(write(200));
    while (flushed.length < 201) await immediate();
    expect(flushed).to.deep.equal(Array.from({ length: 201 }, (_, n) => n));
  });

  it("flushes an entry that a flush adds in a later turn, with a new root", async () => {
    const scheduler = new FlushScheduler(() => now);
    const { root } = scheduler;
    const again = write(1);
    scheduler.add({
      flush() {
        flushed.push(0);
        expect(scheduler.root).not.to.equal(root);
        scheduler.add(again);
      },
    });
    await immediate();
    await immediate();
    expect(flushed).to.deep.equal([0]);
    await immediate();
    expect(flushed).to.deep.equal([0, 1]);
  });
});
