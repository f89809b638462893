import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { availableParallelism, cpus } from "node:os";
import type { Results } from "./results.ts";
import { type Extent, tables, targets } from "./tables.ts";

const [start, end] = ["<!-- results -->", "<!-- end of results -->"];

/** Puts the results where readers look: as JSON, and between the marks in the README. */
export async function write(results: Results, runs: number, extent: Extent): Promise<void> {
  const { version: xstate } = createRequire(import.meta.url)("xstate/package.json") as { version: string };
  const date = new Date().toISOString().slice(0, 10);
  const machine = { cpu: cpus()[0]?.model ?? "unknown", cores: availableParallelism() };
  const versions = { node: process.versions.node, xstate };
  const json = {
    date,
    machine,
    versions,
    runs,
    messages: extent.messages,
    // As text: a list would have to be written as the formatter does it.
    counts: extent.counts.join(", "),
    targets: targets(results, extent),
    figures: results,
  };
  await writeFile(new URL("results.json", import.meta.url), `${JSON.stringify(json, undefined, 2)}\n`);
  const intro = [
    `${date}: ${machine.cores} cores (${machine.cpu}), node ${versions.node}, xstate ${xstate}.`,
    `Medians of ${runs} runs; ${extent.messages.toLocaleString("en")} messages in each measurement, a tenth of it to machines.`,
  ].join("\n");
  const readme = new URL("README.md", import.meta.url);
  const text = await readFile(readme, "utf8");
  const [from, to] = [text.indexOf(start), text.indexOf(end)];
  if (from === -1 || to < from) throw new Error(`README.md lacks the marks ${start} and ${end}.`);
  await writeFile(
    readme,
    `${text.slice(0, from)}${start}\n\n${intro}\n\n${tables(results, extent)}\n${text.slice(to)}`,
  );
}
