import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect } from "chai";

const root = fileURLToPath(new URL("..", import.meta.url));

// The rule of the linter does not count comments.
describe("A source file", () => {
  it("has at most 400 lines", () => {
    const options = { cwd: root, encoding: "utf8" } as const;
    const files = execFileSync("git", ["ls-files", "*.ts", "*.tsx", ":!spec", ":!bench"], options);
    const names = files.split("\n").filter(Boolean);
    const lengths = names.map((name) => [
      name,
      readFileSync(`${root}${name}`, "utf8").split("\n").length - 1,
    ]);
    expect(lengths.length).to.be.greaterThan(400);
    expect(lengths.filter(([, length]) => Number(length) > 400)).to.deep.equal([]);
  });
});
