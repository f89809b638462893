import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { mayImport } from "../../tools/import-rules.ts";
import { run } from "../support/child-process.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

describe("docs/architecture.md", () => {
  let page: string;
  before(async () => {
    page = await readFile(join(root, "docs/architecture.md"), "utf8");
  });

  it("names every folder of the sources", () => {
    const missing = Object.keys(mayImport).filter((folder) => !page.includes(`\n| \`${folder}\` |`));
    expect(missing).to.deep.equal([]);
  });

  it("names only files that exist", async () => {
    const { stdout } = await run("git", ["ls-files"], { cwd: root });
    const files = new Set(stdout.split("\n"));
    const names = new Set([...files].map((file) => basename(file)));
    const named = [...page.matchAll(/`([\w/.-]+\.(?:ts|js))`/g)].map(([, file = ""]) => file);
    const exists = (file: string) =>
      file.includes("/")
        ? [...files].some((known) => known === file || known.endsWith(`/${file}`))
        : names.has(file);
    expect(named.filter((file) => !exists(file))).to.deep.equal([]);
    expect(named.length).to.be.above(50);
  });
});
