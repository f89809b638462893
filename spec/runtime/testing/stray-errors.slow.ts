import { readFile } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { bundled } from "../../support/bundled.ts";
import { run } from "../../support/child-process.ts";
import { rowsOf } from "../../support/markdown-table.ts";

const pathOf = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const module = (path: string) => pathOf(`../../../node_modules/${path}`);

const runners: Readonly<Record<string, (file: string) => string[]>> = {
  "`node:test`": (file) => ["--test", "--test-reporter=spec", file],
  Mocha: (file) => [module("mocha/bin/mocha.js"), "--no-config", "--no-package", "--exit", file],
  Vitest: (file) => [module("vitest/vitest.mjs"), "run", "--root", dirname(file), basename(file)],
};

interface Stray {
  readonly kind: "exception" | "rejection";
  readonly from: "actor" | "test";
  readonly owned: boolean;
}

/** Whether the run passed, and how many errors `onError` got if the test came to its end. */
async function outcome(runner: string, { kind, from, owned }: Stray): Promise<string> {
  const name = runner.replaceAll("`", "").replace(":test", "").toLowerCase();
  const file = await bundled(pathOf(`support/stray-${name}.test.ts`));
  const env = { ...process.env, STRAY_KIND: kind, STRAY_FROM: from, STRAY_OWNED: owned ? "yes" : "no" };
  const args = runners[runner]?.(file) ?? [];
  const ended = await run(process.execPath, args, { env }).catch((failure) => failure);
  const [, heard = "none"] = /heard: (\d)/.exec(ended.stdout) ?? [];
  return `${ended instanceof Error ? "fails" : "passes"}, onError: ${heard}`;
}

/** The outcomes with each runner, for errors of an actor, of an actor without an owner, and of the test. */
const expected: Readonly<Record<string, Readonly<Record<Stray["kind"], readonly RegExp[]>>>> = {
  "`node:test`": { exception: [/^fails/, /^fails/, /^fails/], rejection: [/^fails/, /^fails/, /^fails/] },
  Mocha: {
    exception: [/^fails/, /^fails/, /^fails/],
    rejection: [/^passes.*: 2$/, /^passes.*: 0$/, /^passes.*: 0$/],
  },
  Vitest: {
    exception: [/^passes.*: 1$/, /^fails.*: 0$/, /^passes.*: 0$/],
    rejection: [/^passes.*: 1$/, /^fails.*: 0$/, /^passes.*: 0$/],
  },
};

describe("a stray error in a test, as docs/guides/test-actors.md describes it", function () {
  this.timeout(120_000);

  it("is described for these runners, and for Jest", async () => {
    const page = await readFile(pathOf("../../../docs/guides/test-actors.md"), "utf8");
    const described = rowsOf(page, "runner").map(([runner = ""]) => runner.replace(/ \d.*/, ""));
    expect(described).to.deep.equal([...Object.keys(expected), "Jest"]);
  });

  for (const [runner, kinds] of Object.entries(expected)) {
    for (const kind of ["exception", "rejection"] as const) {
      it(`has the described effect under ${runner}: ${kind}`, async () => {
        const strays = [
          { kind, from: "actor", owned: true },
          { kind, from: "actor", owned: false },
          { kind, from: "test", owned: true },
        ] as const;
        for (const [index, one] of strays.entries()) {
          expect(await outcome(runner, one), JSON.stringify(one)).to.match(kinds[kind][index] ?? /never/);
        }
      });
    }
  }
});
