import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { expect } from "chai";
import { entryPoints } from "../../tools/api-docs/entry-points.ts";
import { type Example, examplesOf, exportedNames, moduleOf } from "../../tools/api-docs/examples.ts";
import { run } from "../support/child-process.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The modules of the names that examples may use: the prelude, and then the entry points of the package. */
const modules = new Map<string, string>();
for (const path of [join(root, "spec/api-docs/prelude.ts"), ...entryPoints()]) {
  for (const name of exportedNames(pathToFileURL(path))) {
    if (!modules.has(name)) modules.set(name, path);
  }
}

/** The messages of the compiler about examples. Their lines begin with the file and the line of the docstring. */
async function refusals(examples: readonly Example[]): Promise<string> {
  const folder = await mkdtemp(join(root, ".tmp-examples-"));
  try {
    for (const example of examples) {
      const name = `${example.file.replaceAll("/", "__").replace(/\.ts$/, "")}-${example.line}`;
      await writeFile(join(folder, `${name}.${example.language}`), moduleOf(example, modules));
    }
    const config = {
      extends: "../tsconfig.json",
      include: ["*.ts", "*.tsx"],
      exclude: [],
      compilerOptions: {
        noUnusedLocals: false,
        noUnusedParameters: false,
        // The imports that complete an example hold types, too.
        verbatimModuleSyntax: false,
        rewriteRelativeImportExtensions: false,
        isolatedModules: false,
        jsx: "react-jsx",
      },
    };
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config));
    const tsc = join(root, "node_modules/.bin/tsc");
    const { stdout } = await run(tsc, ["-p", folder, "--pretty", "false"], { cwd: folder }).catch(
      (failure) => failure,
    );
    return stdout;
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe("the examples in docstrings", function () {
  this.timeout(120_000); // the compiler

  it("are what the compiler takes", async () => {
    const patterns = ["*.ts", ":!spec", ":!bench", ":!demo", ":!tools"];
    const files = execFileSync("git", ["ls-files", ...patterns], { cwd: root, encoding: "utf8" }).split("\n");
    const examples: Example[] = [];
    for (const file of files.filter(Boolean)) {
      examples.push(...examplesOf(file, await readFile(join(root, file), "utf8")));
    }
    expect(examples).to.have.length.above(50);
    expect(await refusals(examples)).to.equal("");
  });

  it("are refused if they use a name that does not exist, or a wrong type", async () => {
    const text = [
      "/**",
      " * Two examples.",
      " *",
      " * @example",
      " * createRoom();",
      " *",
      " * @example",
      " * ```ts",
      ' * static override readonly needs = ["telepathy"] as const;',
      " * ```",
      " */",
    ].join("\n");
    const said = await refusals(examplesOf("planted.ts", text));
    expect(said).to.match(/^planted-4\.ts.* Cannot find name 'createRoom'/m);
    expect(said).to.match(/^planted-7\.ts.* '"telepathy"' is not assignable/ms);
  });
});
