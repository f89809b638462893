import { expect } from "chai";
import { createListeners, reportUncaught } from "../../client/listeners.ts";
import { run } from "../support/child-process.ts";

describe("Listeners", () => {
  it("report an error of a listener as an uncaught one, if there is no listener for errors", async () => {
    const file = new URL("../../client/listeners.ts", import.meta.url).href;
    const program = `import { createListeners, reportUncaught } from ${JSON.stringify(file)};
      process.on("uncaughtException", ({ message }) => console.log("uncaught", message));
      const listeners = createListeners(reportUncaught);
      listeners.add(() => { throw new Error("mine"); });
      listeners.add((value) => console.log("called with", value));
      listeners.call(1);`;
    const flags = ["--import=tsx", "--input-type=module", "--eval", program];
    const { stdout } = await run(process.execPath, flags);
    expect(stdout).to.equal("called with 1\nuncaught mine\n");
  });

  it("that are added during a call get the next one", () => {
    const listeners = createListeners<number>(reportUncaught);
    const calls: number[] = [];
    listeners.add((value) => {
      listeners.add((later) => calls.push(later * 10));
      calls.push(value);
    });
    expect(listeners.call(1)).to.equal(true);
    expect(calls).to.deep.equal([1]);
  });

  it("tell whether there is one", () => {
    const listeners = createListeners<number>(reportUncaught);
    const off = listeners.add(() => {});
    expect(listeners.call(1)).to.equal(true);
    off();
    off();
    expect(listeners.call(1)).to.equal(false);
  });
});
