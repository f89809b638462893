import { writeFile } from "node:fs/promises";
import { circumstances, sentenceOf } from "../circumstances.ts";
import { fillMarks } from "../markdown.ts";
import type { Results } from "../results.ts";
import type { InspectorTask } from "./plan.ts";
import { tables, targets } from "./tables.ts";

/** Puts the results where readers look: as JSON, and between the marks in the README. */
export async function write(results: Results<InspectorTask>, runs: number, actors: number): Promise<void> {
  const found = await circumstances(["xstate", "ws", "playwright-core"], import.meta.url);
  const json = { ...found, runs, actors, targets: targets(results, actors), figures: results };
  await writeFile(new URL("results.json", import.meta.url), `${JSON.stringify(json, undefined, 2)}\n`);
  const intro = `${sentenceOf(found)}\nMedians of ${runs} runs; of the crowd, of seconds and of clicks.`;
  await fillMarks(new URL("README.md", import.meta.url), "results", `${intro}\n\n${tables(results, actors)}`);
}
