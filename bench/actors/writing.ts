import { writeFile } from "node:fs/promises";
import { circumstances, sentenceOf } from "../circumstances.ts";
import { fillMarks } from "../markdown.ts";
import type { Results } from "../results.ts";
import { type ActorTask, type Extent, tables, targets } from "./tables.ts";

/** Puts the results where readers look: as JSON, and between the marks in the README. */
export async function write(results: Results<ActorTask>, runs: number, extent: Extent): Promise<void> {
  const found = await circumstances(["xstate"], import.meta.url);
  const json = {
    ...found,
    runs,
    messages: extent.messages,
    // As text: a list would have to be written as the formatter does it.
    counts: extent.counts.join(", "),
    targets: targets(results, extent),
    figures: results,
  };
  await writeFile(new URL("results.json", import.meta.url), `${JSON.stringify(json, undefined, 2)}\n`);
  const intro = [
    sentenceOf(found),
    `Medians of ${runs} runs; ${extent.messages.toLocaleString("en")} messages in each measurement, a tenth of it to machines.`,
  ].join("\n");
  await fillMarks(new URL("README.md", import.meta.url), "results", `${intro}\n\n${tables(results, extent)}`);
}
