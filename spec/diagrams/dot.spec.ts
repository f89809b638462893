import { Graphviz } from "@hpcc-js/wasm-graphviz";
import { expect } from "chai";
import { toDot } from "greenroom/visualise";
import { machines } from "./machines.ts";

describe("toDot", () => {
  it("writes DOT that Graphviz accepts without warnings", async () => {
    const graphviz = await Graphviz.load();
    for (const machine of Object.values(machines)) {
      expect(graphviz.layout(toDot(machine), "svg", "dot")).to.contain("</svg>");
      expect(graphviz.layout(toDot(machine, { direction: "LR" }), "svg", "dot")).to.contain("</svg>");
    }
  });
});
