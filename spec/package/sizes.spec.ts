import { readFileSync } from "node:fs";
import { expect } from "chai";
import { differences, measureSizes, pageWith, promisedSizes, type SizeTable } from "./sizes.ts";

const page = new URL("../../docs/reference/sizes.md", import.meta.url);

describe("The sizes in docs/reference/sizes.md", function () {
  // The package has to be built first.
  this.timeout(300_000);
  let measured: readonly SizeTable[];

  before(async () => {
    measured = await measureSizes();
  });

  it("are those of each entry point and of the installation: npm run sizes writes the measured ones", () => {
    const promised = promisedSizes();
    expect(measured.flatMap((table, index) => differences(promised[index] ?? {}, table))).to.deep.equal([]);
  });

  it("stay the same if they are written again", () => {
    const text = readFileSync(page, "utf8");
    expect(pageWith(text, promisedSizes())).to.equal(text);
  });
});

describe("A difference of sizes", () => {
  const promised = { one: { minified: 1_000, files: 100 }, small: { minified: 300 } };

  it("names the part, the size and the percentage", () => {
    const measured = { one: { minified: 1_051, files: 96 }, small: { minified: 351 } };
    expect(differences(promised, measured)).to.deep.equal([
      "one: minified is 1051 instead of 1000: +5.1 %",
      "one: files is 96 instead of 100: -4.0 %",
      "small: minified is 351 instead of 300: +17.0 %",
    ]);
  });

  it("is allowed up to 3 %, and up to 50 bytes", () => {
    const measured = { one: { minified: 1_050, files: 103 }, small: { minified: 250 } };
    expect(differences(promised, measured)).to.deep.equal([]);
  });

  it("names entry points that only one side has", () => {
    expect(differences({ old: { minified: 1 } }, { new: { minified: 2 } })).to.deep.equal([
      "old: minified is undefined, promised is 1",
      "new: minified is 2, promised is undefined",
    ]);
  });
});
