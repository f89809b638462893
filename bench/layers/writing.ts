import { writeFile } from "node:fs/promises";
import { circumstances, sentenceOf } from "../circumstances.ts";
import { fillMarks } from "../markdown.ts";
import type { Results } from "./results.ts";
import { tables } from "./tables.ts";
import { targets } from "./targets.ts";

/** How much was measured, and on what. */
export interface Extent {
  readonly runs: number;
  readonly messages: number;
  readonly redis: string;
}

const packages = ["ioredis", "socket.io", "@socket.io/redis-adapter", "@socket.io/redis-streams-adapter"];

/** Puts the results where readers look: as JSON, and between the marks in the README. */
export async function write(results: Results, { runs, messages, redis }: Extent): Promise<void> {
  const found = await circumstances(packages, import.meta.url, { redis });
  const json = { ...found, runs, messages, targets: targetsByName(results), ...results.toJSON() };
  await writeFile(new URL("results.json", import.meta.url), `${JSON.stringify(json, undefined, 2)}\n`);
  const intro = [
    sentenceOf(found),
    `Medians of ${runs} runs; ${messages.toLocaleString("en")} messages in each measurement with 100 in flight.`,
  ].join("\n");
  await fillMarks(new URL("README.md", import.meta.url), "results", `${intro}\n\n${tables(results)}`);
}

function targetsByName(results: Results): object {
  return Object.fromEntries(targets(results).map(({ what, ...figures }) => [what, figures]));
}
