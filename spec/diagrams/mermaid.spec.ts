import { expect } from "chai";
import { toMermaid } from "greenroom/visualise";
import { machines } from "./machines.ts";

describe("toMermaid", () => {
  it("writes the direction", () => {
    const diagram = toMermaid(machines.connection as never, { direction: "LR" });
    expect(diagram).to.match(/^stateDiagram-v2\n {2}direction LR\n/);
  });
});
