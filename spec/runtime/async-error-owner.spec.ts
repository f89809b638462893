import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { bundled } from "../support/bundled.ts";
import { run } from "../support/child-process.ts";

const bundle = (path: string) => bundled(fileURLToPath(new URL(path, import.meta.url)));

/** Runs a program. Returns its output and its exit code. */
async function runProgram(args: readonly string[], options = "") {
  const { stdout, stderr, code } = await run(process.execPath, args, {
    env: { ...process.env, NODE_OPTIONS: options },
  }).then(
    (printed) => ({ ...printed, code: 0 }),
    (error) => error,
  );
  const lines: string[] = stdout.split("\n").filter((line: string) => line !== "");
  return { lines, stderr: stderr as string, code: code as number };
}

/** Runs a program with two copies of the module that finds the owners of errors. */
async function runForeign(args: readonly string[], flags: readonly string[] = [], options = "") {
  const copies = await bundle("../../runtime/async-error-owner.ts");
  return runProgram([...flags, await bundle("support/foreign.ts"), copies, ...args], options);
}

async function asyncErrors(sources: string, mode = "actor"): Promise<string[]> {
  const { lines, stderr, code } = await runProgram([await bundle("support/async-errors.ts"), sources, mode]);
  return code === 0 ? lines : [...lines, `exit ${code}`, ...stderr.split("\n")];
}

const all = ["timer", "immediate", "tick", "rejection", "async", "interval", "after", "abort"];

describe("An uncaught asynchronous error of a consumer", () => {
  it("fails its actor and no other", async () => {
    const lines = await asyncErrors(all.join(","));
    expect(lines.slice(0, -3)).to.have.members(all.map((source) => `late at async of ${source}`));
    expect(lines.slice(-3)).to.deep.equal(["bystander: !", "actors: 1", "listeners: 0,0"]);
  });

  it("is reported after its actor has stopped", async () => {
    expect(await asyncErrors("timer", "stopped")).to.deep.equal([
      "late at async of timer",
      ...["bystander: !", "actors: 1", "listeners: 0,0"],
    ]);
  });

  it("ends the process if it belongs to no actor", async () => {
    const outputs = await Promise.all(["timer", "rejection"].map((name) => asyncErrors(name, "unowned")));
    for (const lines of outputs) {
      expect(lines).to.include("exit 1").and.to.include("Error: late");
    }
  });

  it("goes to other listeners of the process if it belongs to no actor", async () => {
    const outputs = await Promise.all(["timer", "rejection"].map((name) => asyncErrors(name, "listener")));
    for (const lines of outputs) {
      // A listener of the process receives all errors, also those that belong to an actor.
      expect(lines.filter((line) => line === "listener: late")).not.to.deep.equal([]);
      expect(lines.slice(-3)).to.deep.equal(["bystander: !", "actors: 1", "listeners: 1,0"]);
    }
  });

  it("ends the process with ownAsyncErrors: false", async () => {
    expect(await asyncErrors("timer", "process")).to.include("exit 1");
  });
});

describe("An error that belongs to no actor", () => {
  const survived = ["alive", "listeners: 1,1"];

  it("ends the process as Node does, also with two copies of the library", async () => {
    const ends = await Promise.all(["exception", "rejection", "reason"].map((name) => runForeign([name])));
    for (const { lines, code } of ends) expect([lines, code]).to.deep.equal([[], 1]);
    expect(ends[0]?.stderr).to.include("Error: foreign");
    expect(ends[1]?.stderr).to.include("Error: foreign");
    expect(ends[2]?.stderr).to.include("ERR_UNHANDLED_REJECTION").and.to.include("a mere reason");
  });

  it("reaches other listeners as without the library", async () => {
    const outputs = await Promise.all([
      runForeign(["rejection,rejection", "uncaughtException"]),
      runForeign(["exception", "uncaughtException"]),
      runForeign(["rejection", "unhandledRejection"]),
    ]);
    expect(outputs.map(({ lines }) => lines)).to.deep.equal([
      ["listener: unhandledRejection", "listener: unhandledRejection", "alive", "listeners: 2,1"],
      ["listener: uncaughtException", "alive", "listeners: 2,1"],
      ["listener: ", "alive", "listeners: 1,2"],
    ]);
  });

  it("follows --unhandled-rejections", async () => {
    const flag = "--unhandled-rejections";
    const [warn, none, code, strict, owned] = await Promise.all([
      runForeign(["rejection"], [`${flag}=warn`]),
      runForeign(["rejection"], [], `${flag}=none`),
      runForeign(["rejection"], [flag, "warn-with-error-code"], `${flag}=none`),
      runForeign(["rejection"], [`${flag}=strict`]),
      runForeign(["owned"], [`${flag}=strict`]),
    ]);
    expect([warn.lines, warn.code]).to.deep.equal([survived, 0]);
    expect(warn.stderr.split("UnhandledPromiseRejectionWarning: Error: foreign")).to.have.length(2);
    expect([none.lines, none.code, none.stderr]).to.deep.equal([survived, 0, ""]);
    expect([code.lines, code.code]).to.deep.equal([survived, 1]);
    expect(code.stderr.split("UnhandledPromiseRejectionWarning: Error: foreign")).to.have.length(2);
    expect([strict.lines, strict.code]).to.deep.equal([[], 1]);
    expect(owned.lines).to.deep.equal(["reported: late", ...survived]);
  });

  it("is distinguished from an error of an actor of another copy of the library", async () => {
    expect((await runForeign(["owned"])).lines).to.deep.equal(["reported: late", ...survived]);
  });
});
