import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { openMermaidPage } from "../support/mermaid-page.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

describe("the diagrams of the documentation", function () {
  this.timeout(180_000); // a browser, and a large program in it

  it("are what Mermaid can draw", async () => {
    const docs = await readdir(join(root, "docs"), { recursive: true });
    const names = ["README.md", ...docs.filter((one) => one.endsWith(".md")).map((one) => join("docs", one))];
    const drawn: string[] = [];
    await using mermaid = await openMermaidPage();
    for (const name of names) {
      const text = await readFile(join(root, name), "utf8");
      for (const [, diagram = ""] of text.matchAll(/```mermaid\n(.*?)```/gs)) {
        expect(await mermaid.refusal(diagram), `${name}:\n${diagram}`).to.equal(undefined);
        expect((await mermaid.draw(diagram)).text, `${name}:\n${diagram}`).not.to.equal("");
        drawn.push(name);
      }
    }
    expect(drawn).to.include.members(["README.md", "docs/guides/draw-state-machines.md"]);
    expect(await mermaid.refusal("stateDiagram-v2\n  a --> --> b")).to.be.a("string");
  });
});
