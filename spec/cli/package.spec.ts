import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { run } from "../support/child-process.ts";
import { type Project, projectWithPackage } from "../support/installed-package.ts";

describe("greenroom, installed in a project", function () {
  // The package has to be built first.
  this.timeout(180_000);
  let project: Project;

  before(async () => {
    project = await projectWithPackage();
    const turnstile = new URL("../../docs/pictures/turnstile.ts", import.meta.url);
    project.write("turnstile.mts", await readFile(turnstile, "utf8"));
  });

  const greenroom = (...args: string[]) => {
    const main = join(project.folder, "node_modules/greenroom/dist/node/cli.js");
    return run(process.execPath, [main, ...args], { cwd: project.folder }).catch(
      (failure) => failure,
    ) as Promise<{
      readonly stdout: string;
      readonly stderr: string;
    }>;
  };

  it("prints its version", async () => {
    const manifest = await readFile(new URL("../../package.json", import.meta.url), "utf8");
    expect((await greenroom("--version")).stdout).to.equal(`${JSON.parse(manifest).version}\n`);
  });

  it("names the package to install for an SVG", async () => {
    const { stderr } = await greenroom("visualise", "--format=svg");
    expect(stderr).to.contain("npm install @hpcc-js/wasm-graphviz").and.not.contain("    at ");
  });

  it("describes a contract of the package, and names the package to install for YAML", async () => {
    project.link("zod");
    project.write(
      "chat.mjs",
      `import { contract } from "greenroom/contract";
      import { z } from "zod";
      export const chat = contract({ path: "/chat", client: { say: z.object({}) }, server: {} });`,
    );
    const info = ["--title=Chat", "--version=1.0.0"];
    const { stdout } = await greenroom("asyncapi", "chat.mjs", ...info);
    expect(Object.keys(JSON.parse(stdout).channels)).to.deep.equal(["chat"]);
    const { stderr } = await greenroom("asyncapi", "chat.mjs", "--format=yaml", ...info);
    expect(stderr).to.contain("npm install --save-dev yaml").and.not.contain("    at ");
  });

  // The command and the module have to share the package's modules.
  it("draws the machine of a consumer", async () => {
    project.write(
      "light.mjs",
      `import { machineConsumer } from "greenroom";
      import { setup } from "xstate";
      export const Light = machineConsumer(setup({}).createMachine({ id: "light", initial: "off", states: { off: {} } }));`,
    );
    expect((await greenroom("visualise", "light.mjs")).stdout).to.contain("off");
  });

  it("loads TypeScript with the project's tsx, and names the package to install if it is missing", async function () {
    if ((process.features as { readonly typescript?: unknown }).typescript) this.skip(); // this version of Node loads TypeScript itself
    expect((await greenroom("visualise", "turnstile.mts")).stderr).to.contain("npm install --save-dev tsx");
    project.link("tsx");
    expect((await greenroom("visualise", "turnstile.mts")).stdout).to.contain("locked --> open : frame.coin");
  });
});
