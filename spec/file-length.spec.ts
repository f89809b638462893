import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect } from "chai";

const root = fileURLToPath(new URL("..", import.meta.url));

/** The name and the number of lines of each file of the repository that fits the patterns. */
function lengthsOf(...patterns: readonly string[]): readonly (readonly [string, number])[] {
  const files = execFileSync("git", ["ls-files", ...patterns], { cwd: root, encoding: "utf8" });
  const names = files.split("\n").filter(Boolean);
  return names.map((name) => [name, readFileSync(`${root}${name}`, "utf8").split("\n").length - 1]);
}

// The rule of the linter does not count comments.
describe("A source file", () => {
  it("has at most 400 lines", () => {
    const lengths = lengthsOf("*.ts", "*.tsx", ":!spec", ":!bench");
    expect(lengths.length).to.be.greaterThan(400);
    expect(lengths.filter(([, length]) => length > 400)).to.deep.equal([]);
  });
});

describe("A guide", () => {
  it("has at most 250 lines", () => {
    const lengths = lengthsOf("docs/guides/*.md");
    expect(lengths.length).to.be.greaterThan(50);
    expect(lengths.filter(([, length]) => length > 250)).to.deep.equal([]);
  });
});
