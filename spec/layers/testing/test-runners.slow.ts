import { basename, dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { describeChannelLayer, type OptionalCapability } from "../../../layers/testing/index.ts";
import { bundled } from "../../support/bundled.ts";
import { run } from "../../support/child-process.ts";
import { memory } from "./support/memory.ts";

const vitest = fileURLToPath(new URL("../../../node_modules/vitest/vitest.mjs", import.meta.url));
const source = (name: string) => fileURLToPath(new URL(`support/${name}.test.ts`, import.meta.url));

/** The titles that the suite registers for a layer without some capabilities, and its console output. */
function register(lacks: Readonly<Partial<Record<OptionalCapability, string>>>) {
  const titles: string[] = [];
  const path: string[] = [];
  const lines: string[] = [];
  const { info } = console;
  console.info = (line: string) => lines.push(line);
  try {
    describeChannelLayer("A layer", {
      ...memory,
      describe(title, body) {
        path.push(title);
        body();
        path.pop();
      },
      it: (title) => titles.push([...path, title].join(" ")),
      beforeEach() {},
      afterEach() {},
      lacks,
    });
  } finally {
    console.info = info;
  }
  return { titles, lines };
}

describe("describeChannelLayer", function () {
  this.timeout(60_000);

  const cases = () => register(memory.lacks ?? {}).titles.length;

  it("runs under node:test", async () => {
    const file = await bundled(source("node"));
    const { stdout } = await run(process.execPath, ["--test", "--test-reporter=tap", file]);
    for (const line of [`pass ${cases()}`, "fail 0", "skipped 0", "todo 0", "cancelled 0"]) {
      expect(stdout).to.include(`\n# ${line}\n`);
    }
    expect(stdout).to.include("MemoryLayer lacks gap, recovery");
  });

  it("runs under Vitest", async () => {
    const file = await bundled(source("vitest"));
    const args = [
      vitest,
      "run",
      "--root",
      dirname(file),
      "--reporter=json",
      "--testTimeout=20000",
      basename(file),
    ];
    const { stdout } = await run(process.execPath, args, { maxBuffer: 10_000_000 });
    const report = JSON.parse(stdout.slice(stdout.indexOf("{")));
    expect(report).to.include({ numPassedTests: cases(), numTotalTests: cases() });
  });

  it("registers no case of a lacking capability, and prints one line with the reasons", () => {
    const whole = register({});
    expect(whole.lines).to.deep.equal([]);
    const parts: Readonly<Record<OptionalCapability, RegExp>> = {
      gap: /^A layer loss by a broken connection is reported/,
      recovery: /^A layer loss does not occur if a connection breaks/,
      history: /^A layer history (?!is readable, or rejects)/,
      queues:
        /^A layer (named channels|a named channel that|a full named channel|refuses an invalid queue|a queued message|counts the messages of a named channel|a job (whose|of|with a number)|a handler with|closing a consumption)/,
    };
    for (const [capability, part] of Object.entries(parts)) {
      const { titles, lines } = register({ [capability]: "it is small" });
      expect(lines).to.deep.equal([`A layer lacks ${capability} (it is small): not tested.`]);
      expect(titles).to.deep.equal(whole.titles.filter((title) => !part.test(title)));
      expect(titles.length).to.be.below(whole.titles.length);
    }
    const { lines } = register({
      history: "it keeps nothing",
      gap: "it has no wire",
      queues: "it keeps nothing",
    });
    const line = "A layer lacks history, queues (it keeps nothing), gap (it has no wire): not tested.";
    expect(lines).to.deep.equal([line]);
  });
});
