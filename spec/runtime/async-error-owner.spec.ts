import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { bundle } from "../support/bundle.ts";
import { run } from "../support/child-process.ts";

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url));
let bundled: Promise<string[]> | undefined;
/** Compiled, since there are many processes: the file of each program. */
async function program(name: "stray" | "foreign"): Promise<string> {
  const owner = source("../../runtime/async-error-owner.ts");
  bundled ??= bundle(source("support/stray.ts"), source("support/foreign.ts"), owner);
  const [stray = "", foreign = ""] = await bundled;
  return { stray, foreign }[name];
}

/** Runs a program; says what it printed, or how it ended. */
async function runProgram(
  name: "stray" | "foreign",
  args: readonly string[],
  flags: readonly string[] = [],
  options = "",
) {
  const { stdout, stderr, code } = await run(process.execPath, [...flags, await program(name), ...args], {
    env: { ...process.env, NODE_OPTIONS: options },
  }).then(
    (printed) => ({ ...printed, code: 0 }),
    (error) => error,
  );
  const lines: string[] = stdout.split("\n").filter((line: string) => line !== "");
  return { lines, stderr: stderr as string, code: code as number };
}

async function stray(whats: string, who = "actor"): Promise<string[]> {
  const { lines, stderr, code } = await runProgram("stray", [whats, who]);
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

describe("an error that belongs to no actor", () => {
  const survived = ["alive", "listeners: 1,1"];

  it("ends the process as Node would, also where there are two copies of the library", async () => {
    const ends = await Promise.all(
      ["exception", "rejection", "reason"].map((what) => runProgram("foreign", [what])),
    );
    for (const { lines, code } of ends) expect([lines, code]).to.deep.equal([[], 1]);
    expect(ends[0]?.stderr).to.include("Error: foreign");
    expect(ends[1]?.stderr).to.include("Error: foreign");
    expect(ends[2]?.stderr).to.include("ERR_UNHANDLED_REJECTION").and.to.include("a mere reason");
  });

  it("is told to other listeners as Node would tell them", async () => {
    const heard = await Promise.all([
      runProgram("foreign", ["rejection,rejection", "uncaughtException"]),
      runProgram("foreign", ["exception", "uncaughtException"]),
      runProgram("foreign", ["rejection", "unhandledRejection"]),
    ]);
    expect(heard.map(({ lines }) => lines)).to.deep.equal([
      ["heard: unhandledRejection", "heard: unhandledRejection", "alive", "listeners: 2,1"],
      ["heard: uncaughtException", "alive", "listeners: 2,1"],
      ["heard: ", "alive", "listeners: 1,2"],
    ]);
  });

  it("is left to what --unhandled-rejections says", async () => {
    const flag = "--unhandled-rejections";
    const [warn, none, code, strict, owned] = await Promise.all([
      runProgram("foreign", ["rejection"], [`${flag}=warn`]),
      runProgram("foreign", ["rejection"], [], `${flag}=none`),
      runProgram("foreign", ["rejection"], [flag, "warn-with-error-code"], `${flag}=none`),
      runProgram("foreign", ["rejection"], [`${flag}=strict`]),
      runProgram("foreign", ["owned"], [`${flag}=strict`]),
    ]);
    expect([warn.lines, warn.code]).to.deep.equal([survived, 0]);
    expect(warn.stderr.split("UnhandledPromiseRejectionWarning: Error: foreign")).to.have.length(2);
    expect([none.lines, none.code, none.stderr]).to.deep.equal([survived, 0, ""]);
    expect([code.lines, code.code]).to.deep.equal([survived, 1]);
    expect(code.stderr.split("UnhandledPromiseRejectionWarning: Error: foreign")).to.have.length(2);
    expect([strict.lines, strict.code]).to.deep.equal([[], 1]);
    expect(owned.lines).to.deep.equal(["reported: stray", ...survived]);
  });

  it("is told from one that an actor of another copy of the library left behind", async () => {
    expect((await runProgram("foreign", ["owned"])).lines).to.deep.equal(["reported: stray", ...survived]);
  });
});
