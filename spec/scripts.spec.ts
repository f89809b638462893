import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { expect } from "chai";

const root = new URL("../", import.meta.url);

/** Parts of commands that only a shell of POSIX systems understands. */
const posixOnly: Readonly<Record<string, RegExp>> = {
  "single quotes": /'/,
  "expansion of variables": /\$/,
  assignments: /(?:^|&& |\|\| )[A-Z_]+=/,
  "file commands": /\b(?:test|rm|cp|mv|mkdir|cat|sh|bash) /,
};

describe("The scripts of package.json", () => {
  let scripts: Readonly<Record<string, string>>;

  before(async () => {
    ({ scripts } = JSON.parse(await readFile(new URL("package.json", root), "utf8")));
  });

  for (const [name, pattern] of Object.entries(posixOnly)) {
    it(`run on Windows, too: without ${name}`, () => {
      expect(Object.entries(scripts).filter(([, command]) => pattern.test(command))).to.deep.equal([]);
    });
  }

  // A shell without `exec` stays between npm and the program, and SIGTERM ends the shell only.
  it("run the demo in the place of the shell, for which Windows has exec.cmd", () => {
    const names = ["start", "start:all", "dev", "worker", "send"];
    expect(names.filter((name) => !scripts[name]?.startsWith("exec node "))).to.deep.equal([]);
    expect(existsSync(new URL("exec.cmd", root))).to.equal(true);
  });
});
