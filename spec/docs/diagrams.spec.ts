import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { launchBrowser } from "../support/browser.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** What the page has that Mermaid is loaded into. */
declare const mermaid: { render(id: string, diagram: string): Promise<{ readonly svg: string }> };

describe("the diagrams of the documentation", function () {
  this.timeout(60_000); // a browser, and a large program in it

  it("are what Mermaid can draw", async () => {
    const names = await readdir(join(root, "docs"), { recursive: true });
    const diagrams: (readonly [string, string])[] = [];
    for (const name of names.filter((one) => one.endsWith(".md"))) {
      const text = await readFile(join(root, "docs", name), "utf8");
      for (const [, diagram = ""] of text.matchAll(/```mermaid\n(.*?)```/gs)) diagrams.push([name, diagram]);
    }
    expect(diagrams).not.to.have.length(0);
    const browser = await launchBrowser();
    try {
      const page = await browser.newPage();
      await page.addScriptTag({ path: join(root, "node_modules/mermaid/dist/mermaid.min.js") });
      const draw = (diagram: string) =>
        mermaid.render("diagram", diagram).then(
          ({ svg }) => (svg.includes("<svg") ? "drawn" : "nothing"),
          (error: Error) => error.message,
        );
      for (const [name, diagram] of diagrams) {
        expect(await page.evaluate(draw, diagram), `${name}:\n${diagram}`).to.equal("drawn");
      }
    } finally {
      await browser.close();
    }
  });
});
