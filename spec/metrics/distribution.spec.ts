import { expect } from "chai";
import { Distribution } from "../../metrics/distribution.ts";

describe("Distribution", () => {
  const read = (times: Distribution) => {
    const samples = times.samples("time_seconds", { layer: "chat" });
    const buckets = samples.filter(({ metricName }) => metricName === "time_seconds_bucket");
    return {
      buckets: Object.fromEntries(buckets.map(({ labels, value }) => [labels.le, value])),
      rest: samples.slice(buckets.length),
    };
  };

  it("counts a time in its bucket, which includes its bound, and in all larger ones", () => {
    const times = new Distribution();
    for (const ms of [0.05, 1, 1.01, 20_000]) times.observe(ms);
    const { buckets, rest } = read(times);
    expect(buckets).to.include({ "0.0001": 1, "0.0005": 1, "0.001": 2, "0.005": 3, "10": 3, "+Inf": 4 });
    expect(rest.map(({ metricName, value }) => [metricName, value])).to.deep.equal([
      ["time_seconds_sum", 20.00206],
      ["time_seconds_count", 4],
    ]);
    expect(rest.map(({ labels }) => labels)).to.deep.equal([{ layer: "chat" }, { layer: "chat" }]);
  });

  it("adds a time several times at once", () => {
    const [each, once] = [new Distribution(), new Distribution()];
    for (let count = 0; count < 4; count += 1) each.observe(0.25);
    once.observe(0.25, 4);
    expect(read(once)).to.deep.equal(read(each));
  });
});
