import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { availableParallelism, cpus } from "node:os";
import type { Results } from "./results.ts";
import { tables } from "./tables.ts";
import { targets } from "./targets.ts";

/** What figures are worth depends on this. */
export interface Circumstances {
  readonly runs: number;
  readonly messages: number;
  readonly redis: string;
}

const [start, end] = ["<!-- results -->", "<!-- end of results -->"];
const packages = ["ioredis", "socket.io", "@socket.io/redis-adapter", "@socket.io/redis-streams-adapter"];

/** Puts the results where readers look: as JSON, and between the marks in the README. */
export async function write(results: Results, circumstances: Circumstances): Promise<void> {
  const versions = {
    node: process.versions.node,
    redis: circumstances.redis,
    ...Object.fromEntries(await Promise.all(packages.map(async (name) => [name, await versionOf(name)]))),
  };
  const date = new Date().toISOString().slice(0, 10);
  const machine = { cpu: cpus()[0]?.model ?? "unknown", cores: availableParallelism() };
  const { runs, messages } = circumstances;
  const json = {
    date,
    machine,
    versions,
    runs,
    messages,
    targets: targetsByName(results),
    ...results.toJSON(),
  };
  await writeFile(new URL("results.json", import.meta.url), `${JSON.stringify(json, undefined, 2)}\n`);

  const named = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const intro = [
    `${date}: ${machine.cores} cores (${machine.cpu}), ${named.join(", ")}.`,
    `Medians of ${runs} runs; ${messages.toLocaleString("en")} messages in each measurement with 100 in flight.`,
  ].join("\n");
  const readme = new URL("README.md", import.meta.url);
  const text = await readFile(readme, "utf8");
  const [from, to] = [text.indexOf(start), text.indexOf(end)];
  if (from === -1 || to < from) throw new Error(`README.md lacks the marks ${start} and ${end}.`);
  const filled = `${start}\n\n${intro}\n\n${tables(results)}\n`;
  await writeFile(readme, text.slice(0, from) + filled + text.slice(to));
}

function targetsByName(results: Results): object {
  return Object.fromEntries(targets(results).map(({ what, ...figures }) => [what, figures]));
}

/** The version that is installed, for this bench or for the project. */
async function versionOf(name: string): Promise<string> {
  const folders = createRequire(import.meta.url).resolve.paths(name) ?? [];
  for (const folder of folders) {
    try {
      const { version } = JSON.parse(await readFile(`${folder}/${name}/package.json`, "utf8"));
      return version;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
  return "unknown";
}
