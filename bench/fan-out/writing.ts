import { writeFile } from "node:fs/promises";
import { circumstances, sentenceOf } from "../circumstances.ts";
import { fillMarks, whole } from "../markdown.ts";
import { picture } from "./picture.ts";
import { idle, mostWanted } from "./plan.ts";
import type { Results } from "./results.ts";
import { shortTable, tables } from "./tables.ts";
import { targets } from "./targets.ts";

/** How much was measured, and on what. */
export interface Extent {
  readonly runs: number;
  readonly ms: number;
  readonly redis: string;
  /** How many connections there could be. */
  readonly most: number;
}

const packages = [
  ...["ws", "xstate", "uwebsockets", "socket.io"],
  ...["@socket.io/redis-adapter", "@socket.io/redis-streams-adapter"],
];

/** Puts the results where readers look: as JSON, as a picture, and between the marks in both READMEs. */
export async function write(results: Results, { runs, ms, redis, most }: Extent): Promise<void> {
  const here = (name: string) => new URL(name, import.meta.url);
  const found = await circumstances(packages, import.meta.url, { redis });
  const connections = Math.min(most, idle.connections);
  const byName = Object.fromEntries(targets(results).map(({ what, ...figures }) => [what, figures]));
  const json = { ...found, runs, ms, idleConnections: connections, targets: byName, ...results.toJSON() };
  await writeFile(here("results.json"), `${JSON.stringify(json, undefined, 2)}\n`);
  await writeFile(here("growth.svg"), picture(results));
  const intro = [
    sentenceOf(found),
    `Medians of ${runs} runs of ${ms} ms each; ${whole(connections)} idle connections.`,
    ...(most < mostWanted ? [`Open files were limited to ${whole(most)} connections.`] : []),
  ].join("\n");
  const image =
    "![CPU per delivery as members, rooms, messages in flight, their size and connections grow](growth.svg)";
  await fillMarks(here("README.md"), "results", `${intro}\n\n${image}\n\n${tables(results)}`);
  const short = shortTable(results);
  if (short !== undefined) await fillMarks(here("../../README.md"), "fan-out", `${short}\n`);
}
