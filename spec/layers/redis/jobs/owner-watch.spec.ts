import { expect } from "chai";
import { OwnerWatch } from "../../../../layers/redis/jobs/owner-watch.ts";

describe("OwnerWatch", () => {
  let watch: OwnerWatch;
  let now: number;
  beforeEach(() => {
    watch = new OwnerWatch(1_000, 200);
    now = 5_000;
  });

  /** Observes, after a pause, that `silent` seem silent. The reply takes `replyMs`. */
  function observe(silent: readonly string[], pauseMs = 200, replyMs = 0): void {
    const askedAt = now + pauseMs;
    now = askedAt + replyMs;
    watch.observe(silent, askedAt, now);
  }

  const times = (count: number, observation: () => void) => {
    for (let index = 0; index < count; index += 1) observation();
  };

  it("declares a consumer dead once it has been silent for long enough, and not before", () => {
    times(3, () => observe(["one"]));
    times(3, () => observe(["one", "two"]));
    expect(watch.dead).to.deep.equal(["one"]);
    times(2, () => observe(["one", "two"]));
    expect(watch.dead).to.deep.equal(["one"]);
    observe(["one", "two"]);
    expect(watch.dead).to.deep.equal(["one", "two"]);
  });

  it("declares the silent consumers of a process dead together, and does not wait for those that are alive", () => {
    observe(["one-1"]);
    times(5, () => observe(["one-1", "one-2-alone"]));
    expect(watch.dead).to.deep.equal([]);
    observe(["one-1", "one-2-alone"]);
    expect(watch.dead).to.deep.equal(["one-1", "one-2-alone"]);
    observe(["one-1", "one-3"]);
    expect(watch.dead).to.deep.equal([]);
    observe(["one-1"]);
    expect(watch.dead).to.deep.equal(["one-1"]);
  });

  it("does not wait for silent consumers of the same process for longer than a silence lasts", () => {
    observe(["one-1"]);
    times(9, () => observe(["one-1", now % 400 === 0 ? "one-2" : "one-3"]));
    expect(watch.dead).to.deep.equal([]);
    observe(["one-1", "one-4"]);
    expect(watch.dead).to.deep.equal(["one-1"]);
  });

  it("believes a life sign, also one after a long silence", () => {
    times(6, () => observe(["owner"]));
    observe([]);
    expect(watch.dead).to.deep.equal([]);
    times(5, () => observe(["owner"]));
    expect(watch.dead).to.deep.equal([]);
  });

  it("does not declare anybody dead if the server's clock steps, because the next life sign follows", () => {
    for (let steps = 0; steps < 10; steps += 1) {
      times(2, () => observe(["all", "seem", "silent"]));
      observe([]);
    }
    expect(watch.dead).to.deep.equal([]);
  });

  it("does not count the time in which the server was frozen", () => {
    observe(["owner"]);
    times(10, () => observe(["owner"], 0, 10_000));
    expect(watch.dead).to.deep.equal([]);
  });

  it("does not count the time in which this process was frozen", () => {
    observe(["owner"]);
    observe(["owner"], 10_000);
    expect(watch.dead).to.deep.equal([]);
  });

  it("begins again after a reconnect, and gives other processes time to reconnect", () => {
    times(6, () => observe(["owner"]));
    watch.restart(now + 5_000);
    expect(watch.dead).to.deep.equal([]);
    times(29, () => observe(["owner"]));
    expect(watch.dead).to.deep.equal([]);
    observe(["owner"]);
    expect(watch.dead).to.deep.equal(["owner"]);
  });
});
