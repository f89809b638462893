import { expect } from "chai";
import { connectionMachine } from "greenroom";
import { MarkedMachine } from "../../../diagrams/marked-machine.ts";
import { svgOf } from "../../../diagrams/svg.ts";
import { renderDiagram } from "../../../inspector/view/render-diagram.ts";

describe("renderDiagram", () => {
  const machine = new MarkedMachine(connectionMachine);

  it("renders the same SVG in its worker thread as in this thread", async () => {
    expect(await renderDiagram(machine)).to.deep.equal({ svg: await svgOf(machine.dot, machine.name) });
  });

  it("resolves with the reason when the layout takes too long", async () => {
    expect(await renderDiagram(machine, 1)).to.deep.equal({
      missing: "The machine is too large to draw: Graphviz did not finish within 0.001 s.",
    });
  });

  it("resolves with the error of Graphviz for invalid DOT", async () => {
    const broken = Object.create(machine, { dot: { value: "digraph {" } }) as MarkedMachine;
    const picture = await renderDiagram(broken);
    expect(picture)
      .to.have.property("missing")
      .that.matches(/syntax error/i);
  });
});
