import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { launchBrowser } from "./browser.ts";

interface Mermaid {
  initialize(options: object): void;
  parse(diagram: string): Promise<unknown>;
  render(id: string, diagram: string): Promise<{ readonly svg: string }>;
}

export interface MermaidPage extends AsyncDisposable {
  readonly page: Page;
  /** @returns Mermaid's error about a diagram; undefined if there is none. */
  refusal(diagram: string): Promise<string | undefined>;
  /** Draws a diagram, and returns its text and the number of elements that run or load something. */
  draw(diagram: string): Promise<{ readonly text: string; readonly active: number }>;
}

export async function openMermaidPage(): Promise<MermaidPage> {
  const browser = await launchBrowser();
  const page = await browser.newPage();
  await page.setContent("<body></body>");
  const script = fileURLToPath(new URL("../../node_modules/mermaid/dist/mermaid.min.js", import.meta.url));
  await page.addScriptTag({ path: script });
  await page.evaluate(() => {
    const { mermaid } = globalThis as unknown as { mermaid: Mermaid };
    mermaid.initialize({ startOnLoad: false });
  });
  return {
    page,
    refusal: (diagram) =>
      page.evaluate(async (text) => {
        const { mermaid } = globalThis as unknown as { mermaid: Mermaid };
        return mermaid.parse(text).then(
          () => undefined,
          (error: unknown) => String(error),
        );
      }, diagram),
    draw: (diagram) =>
      page.evaluate(async (text) => {
        const { mermaid, document } = globalThis as unknown as { mermaid: Mermaid; document: PageDocument };
        const { svg } = await mermaid.render("drawing", text);
        document.body.innerHTML = svg;
        return {
          text: document.body.textContent,
          active: document.body.querySelectorAll("script, img, iframe, [onerror], a").length,
        };
      }, diagram),
    [Symbol.asyncDispose]: () => browser.close(),
  };
}

interface PageDocument {
  readonly body: {
    innerHTML: string;
    readonly textContent: string;
    querySelectorAll(selector: string): { readonly length: number };
  };
}
