import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { mayImport } from "../../tools/import-rules.ts";
import { namedFiles } from "../support/named-files.ts";

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
    const { named, missing } = await namedFiles(page);
    expect(missing).to.deep.equal([]);
    expect(named.length).to.be.above(50);
  });
});
