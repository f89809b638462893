import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { parse } from "yaml";
import { operatedScrape } from "../metrics/support/operated.ts";
import { alertRules, dashboardExpressions, operationsFile } from "../metrics/support/operations.ts";

// Needs promtool of Debian's prometheus, which .ci/run installs.

const tests = fileURLToPath(new URL("../metrics/alerts.test.yml", import.meta.url));

/** Runs promtool. @returns its exit code, and its output */
function promtool(args: readonly string[], input = ""): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn("promtool", args);
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
    child.on("error", reject).on("close", (code) => resolve({ code, output }));
    child.stdin.end(input);
  });
}

describe("promtool", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "greenroom-metrics-"));
  });
  after(() => rm(folder, { recursive: true }));

  it("has no findings in a scrape", async () => {
    expect(await promtool(["check", "metrics"], await operatedScrape())).to.deep.equal({
      code: 0,
      output: "",
    });
  });

  it("accepts the alert rules", async () => {
    const { code, output } = await promtool(["check", "rules", operationsFile("alerts.yml")]);
    expect(code, output).to.equal(0);
    expect(output).to.contain(`${(await alertRules()).length} rules found`);
  });

  it("accepts every expression of the dashboard", async () => {
    const expressions = await dashboardExpressions();
    const rules = expressions.map((expr, index) => ({ record: `panel:${index}`, expr }));
    const file = join(folder, "dashboard.yml");
    await writeFile(file, JSON.stringify({ groups: [{ name: "dashboard", rules }] }));
    const { code, output } = await promtool(["check", "rules", file]);
    expect(code, output).to.equal(0);
    expect(output).to.contain(`${expressions.length} rules found`);
  });

  it("finds that each alert fires when it should, and none while all is well", async () => {
    const { code, output } = await promtool(["test", "rules", tests]);
    expect(code, output).to.equal(0);
    const names = (await alertRules()).map(({ alert }) => alert);
    const cases = parse(await readFile(tests, "utf8")).tests as readonly {
      readonly alert_rule_test: readonly { readonly alertname: string }[];
    }[];
    for (const { alert_rule_test: checked } of cases)
      expect(checked.map(({ alertname }) => alertname)).to.have.members(names);
  });
});
