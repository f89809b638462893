import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { type ErrorFrame, errorCodes } from "greenroom/contract";
import { quotedIn, rowsOf } from "../support/markdown-table.ts";

const page = fileURLToPath(new URL("../../docs/reference/frames.md", import.meta.url));

/** The compiler refuses this object if a property is missing. Add the property to the table of the page, too. */
const properties: Record<Exclude<keyof ErrorFrame, "type">, true> = {
  code: true,
  message: true,
  id: true,
  issues: true,
  expected: true,
  data: true,
};

describe("docs/reference/frames.md", () => {
  let text: string;
  before(async () => {
    text = await readFile(page, "utf8");
  });

  const namesIn = (...heading: readonly string[]) =>
    rowsOf(text, ...heading).flatMap(([name]) => quotedIn(name));

  it("lists every code of the server", () => {
    expect(namesIn("code", "reason")).to.deep.equal([...errorCodes]);
  });

  it("lists every property of an error", () => {
    expect(namesIn("property", "content")).to.deep.equal(Object.keys(properties));
  });
});
