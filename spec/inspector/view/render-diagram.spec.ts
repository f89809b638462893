import { expect } from "chai";
import { connectionMachine } from "greenroom";
import { MarkedMachine } from "../../../diagrams/marked-machine.ts";
import { svgOf } from "../../../diagrams/svg.ts";
import { renderDiagram } from "../../../inspector/view/render-diagram.ts";

describe("renderDiagram", () => {
  const machine = new MarkedMachine(connectionMachine);

  it("draws in its thread what is drawn in this one", async () => {
    expect(await renderDiagram(machine)).to.deep.equal({ svg: await svgOf(machine.dot, machine.name) });
  });

  it("gives up what takes too long, and says so", async () => {
    expect(await renderDiagram(machine, 1)).to.deep.equal({
      missing: "It is too large: Graphviz had not laid it out after 0.001 s.",
    });
  });

  it("says what Graphviz says of what it cannot draw", async () => {
    const broken = Object.create(machine, { dot: { value: "digraph {" } }) as MarkedMachine;
    const picture = await renderDiagram(broken);
    expect(picture)
      .to.have.property("missing")
      .that.matches(/syntax error/i);
  });
});
