import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { run } from "./support/child-process.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const bin = (name: string) => join(root, "node_modules/.bin", name);

/** What a program printed, whether or not it succeeded. */
async function printed(command: string, args: readonly string[], cwd: string): Promise<string> {
  const { stdout, stderr } = await run(command, args, { cwd }).catch((failure) => failure);
  return stdout + stderr;
}

/**
 * Writes each example of a page as a module of its own: under the name in its first line if it has one, so that others
 * can import it.
 */
async function writeExamples(page: string, folder: string): Promise<void> {
  const text = await readFile(join(root, page), "utf8");
  const examples = [...text.matchAll(/```ts\n(.*?)```/gs)].map(([, code = ""]) => code);
  expect(examples).not.to.have.length(0);
  for (const [index, code] of examples.entries()) {
    const name = /^\/\/ ([\w.-]+\.ts)\n/.exec(code)?.[1] ?? `example-${index + 1}.ts`;
    await writeFile(join(folder, name), `${code}export {};\n`);
  }
  const config = {
    extends: "../tsconfig.json",
    include: ["*.ts"],
    compilerOptions: { noUnusedLocals: false },
  };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config));
}

const flags = ["--import=tsx", "--conditions=greenroom-source"];

/** The examples of a page, in a folder of their own. @param passing how many cases the specs among them have, at least. */
function describeExamples(
  page: string,
  passing: number,
  describeRuns: (folder: () => string) => void = () => {},
): void {
  describe(`the examples in ${page}`, function () {
    // Each starts a program that reads the whole project.
    this.timeout(60_000);
    let folder: string;

    before(async () => {
      folder = await mkdtemp(join(root, ".tmp-docs-"));
      await writeExamples(page, folder);
    });
    after(() => rm(folder, { recursive: true }));

    it("are what the compiler takes", async () => {
      expect(await printed(bin("tsc"), ["-p", folder, "--pretty", "false"], root)).to.equal("");
    });

    it("hold specs that pass", async () => {
      const specs = (await readdir(folder)).filter((name) => name.endsWith(".spec.ts"));
      if (passing === 0) {
        expect(specs).to.deep.equal([]);
        return;
      }
      const args = [...flags, "--no-config", "--reporter=dot", ...specs.map((name) => join(folder, name))];
      const said = await printed(bin("mocha"), args, root);
      expect(said).not.to.match(/failing/);
      expect(Number(/(\d+) passing/.exec(said)?.[1]), said).to.be.at.least(passing);
    });

    describeRuns(() => folder);
  });
}

describeExamples("docs/layers.md", 60);

describeExamples("docs/visualise.md", 0);

describeExamples("docs/actors.md", 4, (folder) => {
  it("do what the page says", async () => {
    const said = await printed(process.execPath, [...flags, join(folder(), "main.ts")], root);
    expect(said.split("\n")).to.deep.equal([
      "page 12 joined",
      "open",
      "A reader of emma has left (1012).",
      "",
    ]);
  });

  const printedBy = {
    addressing: ["3 42 2 0 0", "ERR_NO_SUCH_ACTOR"],
    tags: ["2 4001"],
    presence: ["anne,bert noon 2", "anne is here · bert is here", "bert has left"],
    workers: ["50 % done: cat.small.png"],
  };
  for (const [name, lines] of Object.entries(printedBy)) {
    it(`do what the page says of ${name}`, async () => {
      const said = await printed(process.execPath, [...flags, join(folder(), `${name}.ts`)], root);
      expect(said.split("\n")).to.deep.equal([...lines, ""]);
    });
  }
});
