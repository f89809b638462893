import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { namedFiles } from "../support/named-files.ts";

const folder = fileURLToPath(new URL("../../docs/design", import.meta.url));

describe("docs/design", () => {
  let index: string;
  const pages = new Map<string, string>();

  before(async () => {
    index = await readFile(join(folder, "README.md"), "utf8");
    for (const name of (await readdir(folder)).filter((file) => file !== "README.md").sort()) {
      pages.set(name, await readFile(join(folder, name), "utf8"));
    }
  });

  it("numbers its pages, and lists each once in the index, in order", () => {
    const listed = [...index.matchAll(/\]\((\d\d-[\w-]+\.md)\)/g)].map(([, name]) => name);
    expect(listed).to.deep.equal([...pages.keys()]);
    const numbers = [...pages.keys()].map((name) => Number.parseInt(name, 10));
    expect(numbers).to.deep.equal(numbers.map((_, position) => position + 1));
    expect(numbers).to.have.length.above(20);
  });

  it("gives each page a title, a status, a date and decisions with headings of their own", () => {
    const form = /^# .+\n\nStatus: [a-z]+\. Date: \d{4}-\d\d-\d\d[.,]/;
    const faulty = [...pages].filter(([, text]) => !form.test(text) || !/^## /m.test(text));
    expect(faulty.map(([name]) => name)).to.deep.equal([]);
  });

  it("names only files that exist", async () => {
    const { named, missing } = await namedFiles([...pages.values()].join("\n"));
    expect(missing).to.deep.equal([]);
    expect(named).to.have.length.above(30);
  });
});
