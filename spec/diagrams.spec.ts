import { readdir, readFile } from "node:fs/promises";
import { expect } from "chai";
import { openMermaidPage } from "./support/mermaid-page.ts";

const root = new URL("..", import.meta.url);

describe("the diagrams in the pages", function () {
  // A browser starts.
  this.timeout(30_000);

  it("are what Mermaid itself takes", async () => {
    const docs = await readdir(new URL("docs/", root), { recursive: true });
    const pages = ["README.md", ...docs.filter((name) => name.endsWith(".md")).map((name) => `docs/${name}`)];
    await using mermaid = await openMermaidPage();
    let count = 0;
    for (const page of pages) {
      const text = await readFile(new URL(page, root), "utf8");
      for (const [, diagram = ""] of text.matchAll(/^```mermaid\n(.*?)^```$/gms)) {
        expect(await mermaid.refusal(diagram), `${page}: ${diagram}`).to.equal(undefined);
        count += 1;
      }
    }
    expect(count).to.be.at.least(2);
    expect(await mermaid.refusal("stateDiagram-v2\n  a --> --> b")).to.be.a("string");
  });
});
