import { expect } from "chai";
import type { ErrorListener } from "../../layers/error-reporter.ts";
import { createReporter } from "../../layers/error-reporter.ts";
import { keepWarnings } from "./support/warnings.ts";

describe("createReporter", () => {
  const kept = keepWarnings();

  it("evaluates the listener for each failure, so that it may be set later", () => {
    let listener: ErrorListener | undefined;
    const heard: unknown[] = [];
    const report = createReporter(() => listener);
    report(new Error("early"), { stage: "layer" });
    listener = (...failure) => heard.push(failure);
    const late = new Error("late");
    report(late, { stage: "layer", group: "room" });
    expect(kept.warnings).to.deep.equal(["layer: early"]);
    expect(heard).to.deep.equal([[late, { stage: "layer", group: "room" }]]);
  });

  it("warns once per interval and then counts the omitted warnings", () => {
    let time = 1_000;
    const report = createReporter(() => undefined, { intervalMs: 100, now: () => time });
    for (const text of ["first", "second", "third"]) report(new Error(text), { stage: "layer" });
    time += 99;
    report(new Error("fourth"), { stage: "layer" });
    time += 1;
    report(new Error("fifth"), { stage: "receive" });
    time += 100;
    report("not an error", { stage: "layer" });
    expect(kept.warnings).to.deep.equal([
      "layer: first",
      "receive: fifth (3 more since the last warning)",
      "layer: not an error",
    ]);
  });

  it("counts every failure of a burst in a few warnings", () => {
    let time = 0;
    const report = createReporter(() => undefined, { now: () => time });
    for (time = 0; time < 100_000; time += 1) report(new Error(`topic ${time % 7}`), { stage: "layer" });
    expect(kept.warnings).to.have.length(20);
    expect(kept.warnings[0]).to.equal("layer: topic 0");
    for (const warning of kept.warnings.slice(1)) {
      expect(warning).to.match(/^layer: topic \d \(4999 more since the last warning\)$/);
    }
  });

  it("warns about a listener that throws or rejects, and never throws itself", async () => {
    const listeners: ErrorListener[] = [
      () => {
        throw new Error("it threw");
      },
      (async () => {
        throw new Error("it rejected");
      }) as ErrorListener,
    ];
    const report = createReporter(() => listeners.shift(), { intervalMs: 0 });
    report(new Error("x"), { stage: "layer" });
    report(new Error("x"), { stage: "layer" });
    await new Promise((resolve) => setImmediate(resolve));
    report({ toString: null }, { stage: "layer" });
    expect(kept.warnings).to.deep.equal([
      "onError: it threw",
      "onError: it rejected",
      "layer: an error that cannot be shown",
    ]);
  });
});
