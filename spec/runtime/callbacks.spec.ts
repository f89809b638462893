import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { bundled } from "../support/bundled.ts";
import { run } from "../support/child-process.ts";

const source = fileURLToPath(new URL("support/callbacks.ts", import.meta.url));

/** Runs the program in one of its modes. Returns the lines that it prints, and its exit code. */
async function callbacks(mode: string): Promise<{ readonly lines: string[]; readonly code: number }> {
  const program = await bundled(source);
  const { stdout, stderr, code } = await run(process.execPath, [program, mode], { timeout: 60_000 }).then(
    (printed) => ({ ...printed, code: 0 }),
    (error) => error,
  );
  const lines = stdout.split("\n").filter((line: string) => line !== "");
  return { lines: code === 0 ? lines : [...lines, ...stderr.split("\n")], code };
}

/** Each callback that an application can pass, and the stage with which `onError` gets its later errors. */
const stages: Readonly<Record<string, string>> = {
  "a guard of the runtime": "guard",
  "a guard of the route": "guard",
  "a check of a parameter": "params",
  renew: "renew",
  "the constructor": "async",
  connect: "async",
  receive: "async",
  "a handler of messages": "async",
  restarted: "async",
  disconnect: "async",
  "a listener of the consumer's signal": "async",
  "an observer of the connection's machine": "async",
  onFailure: "supervision",
  inspect: "inspect",
  input: "async",
  "an action of a machine": "async",
  "a guard of a machine": "async",
  "an invoked callback": "async",
  "a worker's handler": "async",
  onFailed: "async",
  "a listener of a job's signal": "consume",
  "a handler of consume": "consume",
  onDead: "consume",
  "a listener of its signal": "consume",
  onExpired: "consume",
  "a listener of a signal at the time limit": "consume",
  "a thenable of a guard": "guard",
  "a thenable of connect": "async",
  "a thenable of receive": "async",
  "a thenable of disconnect": "async",
  "a thenable of a worker": "async",
  "a thenable of onFailed": "async",
  "a thenable of onDead": "consume",
  "an inbox": "layer",
  "an inbox in a group": "layer",
  "an inbox on the runtime's node": "control",
};

describe("An error that a callback of the application leaves behind", function () {
  this.timeout(60_000);

  it("is reported with the stage of the callback, and does not end the process", async () => {
    const { lines, code } = await callbacks("runtime");
    expect(code, lines.join("\n")).to.equal(0);
    expect(
      lines.filter((line) => line !== "the client hears: hello" && !line.startsWith("listeners")),
    ).to.have.members(Object.entries(stages).map(([callback, stage]) => `${callback}: ${stage}`));
    expect(lines).to.include("the client hears: hello");
    expect(lines.at(-1)).to.equal("listeners: 0,0");
  });

  it("is reported by a layer without a runtime", async () => {
    const { lines, code } = await callbacks("layer");
    expect(code, lines.join("\n")).to.equal(0);
    expect(lines).to.deep.equal([
      "a handler of consume: consume",
      "onDead: consume",
      "a listener of its signal: consume",
      "an inbox: layer",
      "an inbox in a group: layer",
      "client: layer",
      "credentials: layer",
      "credentials of a cluster: layer",
      "onError: onError, a promise and onError: onError, a timer",
      "listeners: 0,0",
    ]);
  });

  it("does not arise when a handler catches the rejection of its runtime's close()", async () => {
    const { lines, code } = await callbacks("closing from a handler");
    expect(code, lines.join("\n")).to.equal(0);
    const caught = "caught: The layer is broken";
    expect(lines).to.deep.equal([caught, caught, "listeners: 0,0"]);
  });

  it("ends the process if the layer or its runtime has the option ownAsyncErrors: false", async () => {
    for (const mode of ["disowned", "disowned by a runtime"]) {
      const { lines, code } = await callbacks(mode);
      expect(code).to.equal(1);
      expect(lines).to.include("Error: a handler of consume, a promise");
    }
  });
});
