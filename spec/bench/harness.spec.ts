import { expect } from "chai";
import { parseOptions } from "../../bench/harness/options.ts";
import { Results } from "../../bench/harness/results.ts";
import { atLeast, atMost, isReached, median, orDash, ratio, section } from "../../bench/harness/tables.ts";

describe("Benchmark harness", () => {
  const results = new Results();
  for (const [control, ours] of [
    [1, 3],
    [10, 20],
    [4, 4],
  ] as const) {
    results.add(["sending", "control"], { cpu: control });
    results.add(["sending", "ours"], { cpu: ours });
  }

  it("computes ratios within each run", () => {
    const spread = results.ratio("cpu", ["sending", "ours"], ["sending", "control"]);
    expect(spread).to.deep.equal({ median: 2, min: 1, max: 3 });
    expect(results.ratio("cpu", ["sending", "ours"], ["sending", "other"])).to.equal(undefined);
  });

  it("compares a target with the median, and does not reach it without figures", () => {
    const measured = results.spread(["sending", "ours"], "cpu");
    expect([3, 4, 5].map((limit) => isReached(atLeast("CPU", limit, measured)))).to.deep.equal([
      true,
      true,
      false,
    ]);
    expect([3, 4, 5].map((limit) => isReached(atMost("CPU", limit, measured)))).to.deep.equal([
      false,
      true,
      true,
    ]);
    expect(isReached(atLeast("CPU", 0, undefined))).to.equal(false);
  });

  it("omits rows and tables that were not measured", () => {
    const columns = [median("µs", "cpu"), ratio("to control", "cpu", "control")];
    const text = section(results, "Sending", "sending", { ours: "Ours", other: "Other" }, columns);
    expect(text).to.equal("### Sending\n\n|  | µs | to control |\n|---|--:|--:|\n| Ours | 4.00 | 2.00 |\n");
    expect(section(results, "Joins", "joining", { ours: "Ours" }, columns)).to.equal("");
  });

  it("shows a dash for a figure that a row does not have", () => {
    const columns = [median("µs", "cpu"), orDash(median("frames/write", "frames"))];
    const text = section(results, "Sending", "sending", { ours: "Ours", other: "Other" }, columns);
    expect(text).to.contain("| Ours | 4.00 | – |\n").and.not.contain("Other");
  });

  it("lets a benchmark have its own number of runs", () => {
    const table = { runs: { default: 3, short: 2, help: "" } };
    expect(parseOptions([], table)).to.include({ runs: 3 });
    expect(parseOptions(["--short"], table)).to.include({ runs: 2 });
  });

  it("does not write tables with --short, with profiles, or of a part of the rows", () => {
    const table = {
      ms: { default: 800, short: 300, help: "" },
      only: { names: ["ws", "ours"] as const, help: "" },
    };
    const parse = (...args: string[]) => parseOptions(args, table);
    expect(parse()).to.include({ runs: 5, ms: 800, write: true, check: false });
    expect(parse("--short")).to.include({ runs: 1, ms: 300, write: false });
    expect(parse("--only", "ws")).to.deep.include({ only: ["ws"], write: false });
    for (const args of [["--no-write"], ["--profiles", "folder"]])
      expect(parse(...args)?.write).to.equal(false);
    expect(() => parse("--only", "net")).to.throw(TypeError, '--only must be one of ws, ours, not "net".');
    expect(() => parse("--ms", "0")).to.throw(TypeError, '--ms must be a positive integer, not "0".');
  });
});
