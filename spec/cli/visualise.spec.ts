import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { bundled } from "../support/bundled.ts";
import { run } from "../support/child-process.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const main = join(root, "cli/main.ts");

const module = `
  import { createMachine } from "xstate";
  export const door = createMachine({ id: "door", initial: "shut", states: { shut: { on: { push: "open" } }, open: {} } });
  export const lamp = createMachine({ id: "lamp", initial: "off", states: { off: {} } });
  export const Consumer = class { static machine = door };
  setInterval(() => {}, 1_000);
`;

describe("greenroom visualise", function () {
  // Each case starts a process that compiles the project.
  this.timeout(180_000);
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "greenroom-visualise-"));
    await symlink(join(root, "node_modules"), join(folder, "node_modules"));
    await writeFile(join(folder, "machines.mjs"), module);
    await writeFile(join(folder, "none.mjs"), "export const one = 1;\nexport function two() {}\n");
    await writeFile(join(folder, "broken.mjs"), 'throw new Error("not today");\n');
    await writeFile(
      join(folder, "typed.mts"),
      'import { createMachine } from "xstate";\nexport default createMachine({ id: "typed" as string });\n',
    );
  });
  after(() => rm(folder, { recursive: true }));

  /** Runs the command. @returns its output and exit code. */
  async function greenroom(...args: string[]) {
    const flags = ["--conditions=greenroom-source", await bundled(main), ...args];
    // Runs in the project's folder, where tsx is, so that files need full paths.
    return run(process.execPath, flags, { cwd: root }).then(
      ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
      ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({
        code,
        stdout,
        stderr,
      }),
    );
  }
  const at = (name: string) => join(folder, name);

  it("draws the connection machine by default", async () => {
    const { code, stdout } = await greenroom("visualise");
    expect(code).to.equal(0);
    expect(stdout).to.match(/^stateDiagram-v2\n.*connecting --> joined : accept\n/s);
  });

  it("draws all machines of a module under their names, and exits even if the module keeps running", async () => {
    const { code, stdout } = await greenroom("visualise", at("machines.mjs"));
    expect(code).to.equal(0);
    expect(stdout.match(/^## .*$/gm)).to.deep.equal(["## door", "## lamp"]);
  });

  it("draws the named machine in the given format", async () => {
    const { stdout } = await greenroom("visualise", at("machines.mjs"), "--name=lamp", "--format=json");
    expect(JSON.parse(stdout)).to.deep.equal({ id: "lamp", initial: "off", states: { off: {} } });
    const both = await greenroom("visualise", at("machines.mjs"), "--format=json");
    expect(Object.keys(JSON.parse(both.stdout))).to.deep.equal(["door", "lamp"]);
  });

  it("loads TypeScript", async () => {
    expect((await greenroom("visualise", at("typed.mts"), "--format=dot")).stdout).to.contain(
      'digraph "typed"',
    );
  });

  it("updates the diagrams of a page in place, and reports those that are out of date", async () => {
    const page = at("page.md");
    const text =
      "# Doors\n\n<!-- machine: door -->\n\nSome text.\n\n<!-- machine: other -->\n\n```mermaid\nx\n```\n";
    await writeFile(page, text);
    expect((await greenroom("visualise", at("machines.mjs"), "--check", page)).code).to.equal(1);
    expect((await greenroom("visualise", at("machines.mjs"), "--out", page)).code).to.equal(0);
    const updated = await readFile(page, "utf8");
    expect(updated).to.match(/<!-- machine: door -->\n\n```mermaid\nstateDiagram-v2\n.*```\n\nSome text\./s);
    expect(updated).to.contain("<!-- machine: other -->\n\n```mermaid\nx\n```\n");
    expect((await greenroom("visualise", at("machines.mjs"), "--out", page)).code).to.equal(0);
    expect(await readFile(page, "utf8")).to.equal(updated);
    const good = await greenroom("visualise", at("machines.mjs"), "--check", page);
    expect(good).to.deep.include({ code: 0, stdout: `${page}: door up to date.\n` });
    await writeFile(page, updated.replace(": push", ": pull"));
    const stale = await greenroom("visualise", at("machines.mjs"), "--check", page);
    expect(stale.code).to.equal(1);
    expect(stale.stderr).to.contain("the diagram of door").and.contain("-   shut --> open : pull");
    expect(stale.stderr).to.contain("+   shut --> open : push");
  });

  it("compares a file that is not Markdown as a whole", async () => {
    const args = ["visualise", "--format=svg"];
    const file = at("connection.svg");
    expect((await greenroom(...args, "--out", file)).code).to.equal(0);
    expect((await greenroom(...args, "--check", file)).code).to.equal(0);
    await writeFile(file, (await readFile(file, "utf8")).replace("joined", "gone"));
    expect((await greenroom(...args, "--check", file)).code).to.equal(1);
  });

  const invalid: readonly (readonly [string, number, readonly string[], string])[] = [
    ["a missing file", 1, ["visualise", "no.mjs"], "File not found: no.mjs."],
    [
      "a module without machines",
      1,
      ["visualise", "none.mjs"],
      "exports no state machine. Its exports: one, two.",
    ],
    ["a module that throws", 1, ["visualise", "broken.mjs"], "not today"],
    ["an unknown name", 1, ["visualise", "machines.mjs", "--name=x"], "only door, lamp."],
    ["an unknown format", 2, ["visualise", "--format=png"], "use mermaid, dot, svg, json."],
    ["two machines in one SVG", 2, ["visualise", "machines.mjs", "--format=svg"], "exports door, lamp."],
    ["an unknown option", 2, ["visualise", "--colour"], "visualise --help"],
    ["an unknown command", 2, ["paint"], 'Unknown command "paint".'],
  ];
  for (const [what, code, args, message] of invalid) {
    it(`exits with ${code} for ${what}`, async () => {
      const files = args.map((arg) => (arg.endsWith(".mjs") && arg !== "no.mjs" ? at(arg) : arg));
      const said = await greenroom(...files);
      expect(said.code).to.equal(code);
      expect(said.stderr).to.contain(message);
    });
  }

  it("prints help", async () => {
    expect((await greenroom("--help")).stdout).to.contain("visualise");
    expect((await greenroom("visualise", "--help")).stdout).to.contain("--check FILE");
  });
});

describe("Diagrams in the project's own pages", function () {
  this.timeout(180_000);
  const turnstile = "docs/pictures/turnstile.ts";
  const checks = [
    ["--check", "README.md"],
    ["--check", "docs/guides/draw-state-machines.md"],
    ["--format=svg", "--check", "docs/pictures/connection-machine.svg"],
    [turnstile, "--format=svg", "--check", "docs/pictures/turnstile.svg"],
    ["docs/pictures/client.ts", "--format=svg", "--check", "docs/pictures/client.svg"],
  ];
  for (const args of checks) {
    it(`are up to date: ${args.at(-1)}`, async () => {
      const flags = ["--conditions=greenroom-source", await bundled(main), "visualise", ...args];
      expect((await run(process.execPath, flags, { cwd: root })).stdout).to.contain("up to date");
    });
  }
});
