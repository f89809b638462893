import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { run } from "../support/child-process.ts";

const log = fileURLToPath(new URL("../../demo/log.ts", import.meta.url));
const flags = ["--import=tsx", "--conditions=greenroom-source", "--input-type=module"];

describe("The log of the demo", () => {
  it("takes one line of JSON on stderr for each event of its level or above, without control characters", async () => {
    const hostile = "\u001b[2J\u009b31m\u202e\u2028\nforged";
    const program = `
      import { startLog } from ${JSON.stringify(log)};
      import { createRuntime, WebSocketConsumer } from "greenroom";
      const onError = startLog("info");
      onError(new SyntaxError(${JSON.stringify(hostile)}), { stage: "receive", path: ${JSON.stringify(hostile)} });
      const runtime = createRuntime({ onError });
      await (await runtime.spawn(class Echo extends WebSocketConsumer {})).stop();
      await runtime.close();`;
    const { stdout, stderr } = await run(process.execPath, [...flags, "--eval", program]);
    expect(stdout).to.equal("");
    expect(stderr).not.to.match(/[^\P{Cc}\n]|[\u2028-\u202e]/u);
    const lines = stderr
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const [error, joined] = lines;
    expect(lines.map(({ level, msg }) => `${level} ${msg}`)).to.deep.equal([
      "error error",
      "info connection.joined",
      "info connection.closed",
      "info runtime.draining",
      "info runtime.closed",
    ]);
    expect(error).to.include({ stage: "receive", path: hostile });
    expect(error.err).to.include({ type: "SyntaxError", message: hostile });
    expect(joined).to.include({ consumer: "Echo" });
  });
});
