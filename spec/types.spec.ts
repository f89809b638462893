import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { run } from "./support/child-process.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

describe("the types", function () {
  this.timeout(60_000); // the whole project, compiled
  it("accept and refuse what spec/types/user-code.ts says, and the whole project", async () => {
    const { stdout } = await run("node_modules/.bin/tsc", ["--pretty", "false"], { cwd: root }).catch(
      (failure) => failure,
    );
    expect(stdout).to.equal("");
  });
});
