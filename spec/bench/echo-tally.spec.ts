import { expect } from "chai";
import { EchoTally, normalAfter } from "../../bench/harness/client/echo-tally.ts";

/** A tally of messages that were sent every 20 ms. A latency of `undefined` is a missing echo. */
function tallyOf(latencies: readonly (number | undefined)[]): EchoTally {
  const tally = new EchoTally();
  for (const [index, latency] of latencies.entries()) {
    const number = tally.send(index * 20);
    if (latency !== undefined) tally.arrive(number, index * 20 + latency);
  }
  return tally;
}

const times = (count: number, latency: number | undefined) => Array.from({ length: count }, () => latency);

describe("EchoTally", () => {
  it("computes the latencies of the messages sent within a period", () => {
    const tally = tallyOf([900, 1, 2, 3, 900]);
    expect(tally.between(20, 80)).to.deep.equal({ sent: 3, missing: 0, p50Ms: 2, p99Ms: 2, worstMs: 3 });
  });

  it("counts a missing echo, also as the worst latency", () => {
    const tally = tallyOf([1, undefined, 1, undefined, 1]);
    expect(tally.missing).to.equal(2);
    expect(tally.between(0, 100)).to.include({ sent: 5, missing: 2, p50Ms: 1, worstMs: Infinity });
    expect(tally.between(0, 40)).to.include({ sent: 2, missing: 1 });
    tally.arrive(1, 500);
    expect(tally.missing).to.equal(1);
  });

  it("accepts echoes in any order", () => {
    const tally = new EchoTally();
    for (const atMs of [0, 20]) tally.send(atMs);
    tally.arrive(1, 21);
    tally.arrive(0, 23);
    expect(tally.between(0, 40)).to.include({ missing: 0, p50Ms: 1, worstMs: 23 });
  });

  it("detects a duplicate echo, and an echo that was never sent", () => {
    const tally = tallyOf([1]);
    expect(() => tally.arrive(0, 30)).to.throw("The echo 0 has arrived again.");
    expect(() => tally.arrive(1, 30)).to.throw("The echo 1 was never sent.");
  });

  it("finds the time when the latency is normal again", () => {
    const slow = tallyOf([...times(5, 1), ...times(3, 400), ...times(normalAfter, 5)]);
    expect(slow.normalAt(100, 5)).to.equal(60);
    expect(slow.normalAt(100, 4)).to.equal(undefined);
    expect(slow.normalAt(160, 5)).to.equal(0);
  });

  it("does not call the latency normal while an echo is late or missing", () => {
    const late = [...times(normalAfter - 1, 5), 400, ...times(normalAfter, 5)];
    expect(tallyOf(late).normalAt(0, 5)).to.equal(normalAfter * 20);
    const missing = [...times(normalAfter - 1, 5), undefined, ...times(normalAfter - 1, 5)];
    expect(tallyOf(missing).normalAt(0, 5)).to.equal(undefined);
  });
});
