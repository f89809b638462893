import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { run } from "../support/child-process.ts";
import { packedPackage } from "../support/installed-package.ts";

const modules = fileURLToPath(new URL("node_modules", import.meta.url));

describe("The tarball of the package", function () {
  // The package has to be built first.
  this.timeout(300_000);
  let tarball: string;

  before(async () => {
    tarball = await packedPackage();
  });

  /** The output of a linter, which has to succeed. */
  async function lint(program: string, ...args: readonly string[]): Promise<string> {
    const path = join(modules, program);
    const {
      stdout,
      stderr,
      code = 0,
    } = await run(process.execPath, [path, ...args, tarball]).catch((failure) => failure);
    expect(code, stdout + stderr).to.equal(0);
    return stdout;
  }

  it("has no findings of publint", async () => {
    expect(await lint("publint/src/cli.js", "run", "--strict")).to.contain("All good!");
  });

  it("has types for each entry point that fit its code, says attw", async () => {
    const report = await lint(
      "@arethetypeswrong/cli/dist/index.js",
      "--profile",
      "esm-only",
      "--format",
      "json",
    );
    const { analysis } = JSON.parse(report);
    const { exports } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
    expect(Object.keys(analysis.entrypoints)).to.have.members(Object.keys(exports));
  });
});
