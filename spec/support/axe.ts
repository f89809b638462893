import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** The serious faults of a page. @param options of axe, such as the rules to run. By default, all rules run. */
export async function violations(
  page: Page,
  options: { readonly runOnly?: string[] } = {},
): Promise<string[]> {
  await page.evaluate(axe);
  const found: { id: string; impact: string; nodes: { html: string; failureSummary: string }[] }[] =
    await page.evaluate(`axe.run(${JSON.stringify(options)}).then(({ violations }) => violations)`);
  return found
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`)}`);
}
