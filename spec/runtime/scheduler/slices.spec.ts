import { expect } from "chai";
import { type Task, unlimited } from "../../../layers/scheduling/lane.ts";
import { Scheduler } from "../../../runtime/scheduler/scheduler.ts";
import { inSlices } from "../../../runtime/scheduler/slices.ts";
import { gate } from "../../support/gate.ts";

const numbers = (count: number) => new Set(Array.from({ length: count }, (_, n) => n));

describe("inSlices", () => {
  const { losses } = new Scheduler();

  it("takes few items at once", () => {
    const taken: number[] = [];
    const slices = inSlices(losses, numbers(256), (n) => void taken.push(n));
    expect(slices).to.equal(undefined);
    expect(taken).to.have.length(256);
  });

  it("takes many items in order, at most 256 in each turn", async () => {
    const taken: number[] = [];
    const perTurn: number[] = [];
    const slices = inSlices(losses, numbers(1_000), (n) => void taken.push(n));
    let isDone = false;
    const done = slices?.then(() => {
      isDone = true;
    });
    for (let before = 0; !isDone; before = taken.length) {
      await new Promise(setImmediate);
      perTurn.push(taken.length - before);
    }
    await done;
    expect(taken).to.deep.equal([...numbers(1_000)]);
    expect(Math.max(...perTurn)).to.be.at.most(256);
  });

  it("takes one item in a turn without time", () => {
    const tasks: Task[] = [];
    const taken: number[] = [];
    void inSlices({ add: (task) => tasks.push(task) }, numbers(1_000), (n) => void taken.push(n));
    expect(tasks[0]?.run({ hasTime: false, charge() {} })).to.equal(false);
    expect(taken).to.deep.equal([0]);
    expect(tasks[0]?.run(unlimited)).to.equal(false);
    expect(taken).to.have.length(257);
  });

  for (const count of [3, 300]) {
    it(`resolves once the promises of ${count} items have resolved`, async () => {
      const last = gate();
      let isDone = false;
      const slices = inSlices(losses, numbers(count), (n) => (n === count - 1 ? last.opened : undefined));
      const done = slices?.then(() => {
        isDone = true;
      });
      for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
      expect(isDone).to.equal(false);
      last.open();
      await done;
      expect(isDone).to.equal(true);
    });
  }

  it("takes items that delete themselves", async () => {
    const items = numbers(1_000);
    await inSlices(losses, items, (n) => void items.delete(n));
    expect(items.size).to.equal(0);
  });
});
