import { copyFile, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { run } from "../support/child-process.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const modules = join(root, "node_modules");

describe("greenroom visualise, installed in a project", function () {
  // The package has to be built first.
  this.timeout(60_000);
  let project: string;
  let main: string;

  before(async () => {
    project = await mkdtemp(join(tmpdir(), "greenroom-installed-"));
    const installed = join(project, "node_modules/greenroom");
    main = join(installed, "dist/cli/main.js");
    await mkdir(installed, { recursive: true });
    await run(join(modules, ".bin/tsc"), ["-p", "tsconfig.build.json", "--outDir", join(installed, "dist")], {
      cwd: root,
    });
    await copyFile(join(root, "package.json"), join(installed, "package.json"));
    await copyFile(join(root, "docs/pictures/turnstile.ts"), join(project, "turnstile.mts"));
    for (const name of ["xstate", "msgpackr", "path-to-regexp", "ws"])
      await symlink(join(modules, name), join(project, "node_modules", name));
  });
  after(() => rm(project, { recursive: true }));

  const greenroom = (...args: string[]) =>
    run(process.execPath, [main, "visualise", ...args], { cwd: project }).catch(
      (failure) => failure,
    ) as Promise<{
      readonly stdout: string;
      readonly stderr: string;
    }>;

  it("names the package to install for an SVG", async () => {
    const { stderr } = await greenroom("--format=svg");
    expect(stderr).to.contain("npm install @hpcc-js/wasm-graphviz").and.not.contain("    at ");
  });

  it("loads TypeScript with the project's tsx, and names the package to install if it is missing", async function () {
    if ((process.features as { readonly typescript?: unknown }).typescript) this.skip(); // this version of Node loads TypeScript itself
    expect((await greenroom("turnstile.mts")).stderr).to.contain("npm install --save-dev tsx");
    await symlink(join(modules, "tsx"), join(project, "node_modules/tsx"));
    expect((await greenroom("turnstile.mts")).stdout).to.contain("locked --> open : frame.coin");
  });
});
