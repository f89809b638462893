import { expect } from "chai";
import { ExpiryQueue } from "../../runtime/expiry-queue.ts";
import { CountedTimers } from "./support/counted-timers.ts";

describe("ExpiryQueue", () => {
  function start(onExpired: (item: string) => void = () => {}) {
    const clock = new CountedTimers();
    const expired: string[] = [];
    const queue = new ExpiryQueue<string>(clock, (item) => {
      expired.push(item);
      onExpired(item);
    });
    return { clock, expired, queue };
  }

  it("expires each item after its own time, in the order of deadlines", () => {
    const { clock, expired, queue } = start();
    queue.add("slow", 100);
    clock.increment(10);
    queue.add("quick", 20);
    queue.add("later", 100);
    clock.increment(20);
    expect(expired).to.deep.equal(["quick"]);
    clock.increment(69);
    expect(expired).to.deep.equal(["quick"]);
    clock.increment(1);
    expect(expired).to.deep.equal(["quick", "slow"]);
    clock.increment(10);
    expect(expired).to.deep.equal(["quick", "slow", "later"]);
  });

  it("starts the time of an item anew when the item is removed and added", () => {
    const { clock, expired, queue } = start();
    queue.add("one", 100);
    queue.add("two", 100);
    clock.increment(60);
    queue.remove("one", 100);
    queue.add("one", 100);
    clock.increment(40);
    expect(expired).to.deep.equal(["two"]);
    clock.increment(60);
    expect(expired).to.deep.equal(["two", "one"]);
  });

  it("has no timer while it is empty", () => {
    const { clock, queue } = start();
    queue.add("one", 100);
    queue.remove("two", 100);
    queue.remove("one", 100);
    expect(clock.pending).to.equal(0);
    queue.add("one", 100);
    clock.increment(100);
    expect(clock.pending).to.equal(0);
  });

  it("has one timer for each time limit, also when items are added while others expire", () => {
    const { clock, expired, queue } = start((item) => {
      if (item.length < 4) queue.add(`${item}+`, 100);
    });
    for (const item of ["a", "b", "c"]) queue.add(item, 100);
    for (let round = 0; round < 3; round += 1) {
      expect(clock.pending).to.equal(1);
      clock.increment(100);
    }
    expect(expired).to.have.length(9);
    clock.increment(100);
    expect(expired).to.have.length(12);
    expect(clock.pending).to.equal(0);
  });

  it("does not expire an item that a callback removes", () => {
    const { clock, expired, queue } = start((item) => {
      if (item !== "one") return;
      queue.remove("two", 100);
      queue.add("three", 100);
    });
    queue.add("one", 100);
    queue.add("two", 100);
    clock.increment(100);
    expect(expired).to.deep.equal(["one"]);
    expect(clock.pending).to.equal(1);
    clock.increment(100);
    expect(expired).to.deep.equal(["one", "three"]);
    expect(clock.pending).to.equal(0);
  });

  it("gives the event loop back when many items expire at once", () => {
    const { clock, expired, queue } = start();
    for (let n = 0; n < 250; n += 1) queue.add(`${n}`, 100);
    clock.increment(100);
    expect(expired).to.have.length(100);
    clock.increment(1);
    expect(expired).to.have.length(200);
    clock.increment(1);
    expect(expired).to.have.length(250);
    expect(clock.pending).to.equal(0);
  });
});
