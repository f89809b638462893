import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { run } from "../support/child-process.ts";

const program = fileURLToPath(new URL("support/stray.ts", import.meta.url));

/** Runs the program; says what it printed, or how it ended. */
async function stray(whats: string, who = "actor"): Promise<string[]> {
  const args = ["--import=tsx", "--conditions=greenroom-source", program, whats, who];
  const { stdout, stderr, code } = await run(process.execPath, args).then(
    (printed) => ({ ...printed, code: 0 }),
    (error) => error,
  );
  const lines = stdout.split("\n").filter((line: string) => line !== "");
  return code === 0 ? lines : [...lines, `exit ${code}`, ...stderr.split("\n")];
}

const all = ["timer", "immediate", "tick", "rejection", "async", "interval", "abort"];

describe("what a consumer leaves behind", () => {
  it("fails its actor, and nobody else", async () => {
    const said = await stray(all.join(","));
    expect(said.slice(0, -3)).to.have.members(all.map((what) => `stray at stray of ${what}`));
    expect(said.slice(-3)).to.deep.equal(["bystander: !", "actors: 1", "listeners: 0,0"]);
  });

  it("is reported when it fails after its actor has gone", async () => {
    expect(await stray("timer", "gone")).to.deep.equal([
      "stray at stray of timer",
      ...["bystander: !", "actors: 1", "listeners: 0,0"],
    ]);
  });

  it("ends the process, as ever, where it belongs to no actor", async () => {
    const said = await Promise.all(["timer", "rejection"].map((what) => stray(what, "nobody")));
    for (const lines of said) {
      expect(lines).to.include("exit 1").and.to.include("Error: stray");
    }
  });

  it("is left to other listeners of the process where it belongs to no actor", async () => {
    const said = await Promise.all(["timer", "rejection"].map((what) => stray(what, "listener")));
    for (const lines of said) {
      // Those of the process hear of all, and cannot be kept from it.
      expect(lines.filter((line) => line === "heard: stray")).not.to.deep.equal([]);
      expect(lines.slice(-3)).to.deep.equal(["bystander: !", "actors: 1", "listeners: 1,0"]);
    }
  });

  it("ends the process where the runtime is told to leave such errors alone", async () => {
    expect(await stray("timer", "process")).to.include("exit 1");
  });
});
