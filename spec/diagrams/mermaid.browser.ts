import { expect } from "chai";
import { toMermaid } from "greenroom/visualise";
import { type MermaidPage, openMermaidPage } from "../support/mermaid-page.ts";
import { hostileNames, machines } from "./machines.ts";

describe("toMermaid", function () {
  this.timeout(60_000);
  let mermaid: MermaidPage;

  before(async () => {
    mermaid = await openMermaidPage();
  });
  after(() => mermaid[Symbol.asyncDispose]());

  for (const [name, machine] of Object.entries(machines)) {
    it(`writes a diagram that Mermaid parses and draws: ${name}`, async () => {
      const diagram = toMermaid(machine);
      expect(await mermaid.refusal(diagram)).to.equal(undefined);
      expect((await mermaid.draw(diagram)).text).not.to.equal("");
    });
  }

  it("shows names with special characters as text", async () => {
    const { text, active } = await mermaid.draw(toMermaid(machines.hostile as never));
    expect(active).to.equal(0);
    const bare = (value: string) => value.replace(/\s+/g, "");
    for (const name of hostileNames) {
      const shown = bare(name.replaceAll("\n", "↵"));
      expect(bare(text).split(shown).length - 1, name).to.be.at.least(4);
    }
  });

  it("writes a direction that Mermaid accepts", async () => {
    const diagram = toMermaid(machines.connection as never, { direction: "LR" });
    expect(await mermaid.refusal(diagram)).to.equal(undefined);
  });
});
