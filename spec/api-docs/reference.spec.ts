import { readFile } from "node:fs/promises";
import { expect } from "chai";
import { defaultCell, referenceTables } from "../../tools/api-docs/reference-tables.ts";
import { type Table, updateTables } from "../../tools/api-docs/update-table.ts";

describe("the tables in docs/reference", function () {
  this.timeout(180_000); // the whole package is loaded

  it("are those that `npm run docs:reference` writes, without an empty description", async () => {
    for (const [page, tables] of Object.entries(await referenceTables())) {
      const text = await readFile(new URL(`../../docs/reference/${page}`, import.meta.url), "utf8");
      expect(updateTables(text, tables), page).to.equal(text);
      expect(text, page).not.to.match(/^\| `[^|]+` \| \|/m);
    }
  });
});

describe("updateTables", () => {
  const table = (names: readonly string[]): Table =>
    new Map(
      names.map((name) => [name, { cells: { default: defaultCell(name, "100", "100") }, text: "is | new" }]),
    );

  const page = (...rows: readonly string[]) =>
    ["Before.", "", "<!-- generated: limits -->", "", "| name | meaning | default |", "|---|---|--:|"]
      .concat(rows, "", "After.", "")
      .join("\n");

  it("keeps descriptions, the order of the rows, and words after a default", () => {
    const text = page("| `b` | [B](b.md) | 100 (many) |", "| `a` | A \\| a | 100 |", "| | more of A | |");
    expect(updateTables(text, { limits: table(["a", "b"]) })).to.equal(text);
  });

  it("replaces a wrong default, adds a missing row, and removes a row that is not generated", () => {
    const text = page("| `a` | A | 1,000 |", "| `old` | Old | 100 |", "| | more of old | |");
    const expected = page("| `a` | A | 100 |", "| `b` | is \\| new | 100 |");
    expect(updateTables(text, { limits: table(["a", "b"]) })).to.equal(expected);
  });

  it("refuses a table that is not on the page, and a table that is not generated", () => {
    expect(() => updateTables("", { limits: table([]) })).to.throw("The page has no table limits.");
    expect(() => updateTables(page("| `a` | A | 1 |"), {})).to.throw(
      "The generated table limits is not known.",
    );
  });
});

describe("defaultCell", () => {
  it("refuses a docstring with another default than the code", () => {
    expect(() => defaultCell("idleMs", "60_000", "30,000")).to.throw(
      "The default of idleMs is 30,000, but its docstring says 60_000.",
    );
  });

  it("leaves words to the page, and describes a new row", () => {
    const cell = defaultCell("clock", "the timers of Node", undefined);
    expect(cell("those of Node")).to.equal("those of Node");
    expect(cell("")).to.equal("the timers of Node");
    expect(defaultCell("key", undefined, undefined)("")).to.equal("none");
  });
});
