import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { run } from "../support/child-process.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/**
 * Code of users, which is compiled and not run. The compiler also reports a `@ts-expect-error` above a line without
 * an error. spec/package/declarations.spec.ts compiles the same files with the declarations of the package.
 */
describe("The types of contracts", () => {
  let errors: readonly string[];

  before(async function () {
    this.timeout(180_000);
    const folder = await mkdtemp(join(root, ".tmp-contracts-"));
    try {
      // The files are code of the server and of the browser, so the program has the types of both.
      const compilerOptions = {
        lib: ["es2023", "esnext.disposable", "dom", "dom.iterable", "dom.asynciterable"],
        types: ["node"],
      };
      const config = {
        extends: "../tsconfig.json",
        compilerOptions,
        include: ["../spec/types/contracts"],
        exclude: [],
      };
      await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config));
      const tsc = join(root, "node_modules/typescript/bin/tsc");
      const { stdout } = await run(process.execPath, [tsc, "-p", folder, "--pretty", "false"], {
        cwd: root,
      }).catch((failure) => failure);
      errors = String(stdout)
        .split("\n")
        .filter((line) => line !== "");
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  for (const [file, claim] of [
    ["use.ts", "accept and refuse what the example of a user says"],
    ["zod.ts", "hold for zod"],
    ["valibot.ts", "hold for valibot"],
    ["arktype.ts", "hold for arktype"],
    ["machines.ts", "hold for the events, effects and input of machines"],
    ["guards.ts", "let a consumer that needs a user start only with one"],
    ["machines.ts", "hold for state machines"],
    ["services.ts", "let a consumer that needs services start only with them"],
    ["messages.ts", "refuse values that a message or JSON cannot hold"],
  ] as const) {
    it(`${claim}: ${file}`, () => {
      expect(errors.filter((line) => line.includes(`/contracts/${file}(`))).to.deep.equal([]);
    });
  }

  it("are proven by these files, without an error in another file", async () => {
    expect(errors).to.deep.equal([]);
    expect(await readdir(join(root, "spec/types/contracts"))).to.have.length(8);
  });
});
