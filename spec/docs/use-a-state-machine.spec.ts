import { readFile } from "node:fs/promises";
import { expect } from "chai";
import { createRuntime, machineConsumer } from "greenroom";
import { createMachine } from "xstate";
import { codeBlocks } from "../support/code-blocks.ts";

describe("docs/guides/use-a-state-machine.md", () => {
  it("quotes the error for a value that a snapshot cannot hold", async () => {
    const page = await readFile(new URL("../../docs/guides/use-a-state-machine.md", import.meta.url), "utf8");
    const quoted = codeBlocks(page).filter(({ language }) => language === "text");
    await using runtime = createRuntime();
    const actor = await runtime.spawn(machineConsumer(createMachine({ context: { opened: new Date() } })));
    expect(quoted.map(({ code }) => code.trim())).to.deep.equal([messageOf(() => actor.snapshot())]);
  });
});

function messageOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("Nothing failed.");
}
