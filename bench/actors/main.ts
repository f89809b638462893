import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { runCommand } from "../command.ts";
import type { Figures } from "./measure.ts";
import { help, type Options, readOptions } from "./options.ts";
import { Results, type Task } from "./results.ts";
import { type Extent, tables, tasks } from "./tables.ts";
import { write as writeResults } from "./writing.ts";

const worker = fileURLToPath(new URL("worker.ts", import.meta.url));
const run = promisify(execFile);

/** Measures in a process of its own, so that nothing is compiled for, or left over from, anything else. */
async function measure({ what, name, count }: Task, profiles: string | undefined): Promise<Figures> {
  const flags = ["--expose-gc", "--import=tsx", "--conditions=greenroom-source"];
  if (profiles !== undefined) {
    flags.push(
      "--cpu-prof",
      `--cpu-prof-dir=${profiles}`,
      `--cpu-prof-name=${what}-${name}-${count}.cpuprofile`,
    );
  }
  const { stdout } = await run(process.execPath, [...flags, worker, what, name, String(count)]);
  return JSON.parse(stdout) as Figures;
}

async function main({ runs, messages, actors, profiles, write }: Options): Promise<void> {
  const counts = [100, 1_000, 10_000, 100_000].filter((count) => count <= actors);
  const extent: Extent = { messages, counts };
  const results = new Results();
  for (let round = 1; round <= runs; round += 1) {
    for (const task of tasks(extent)) {
      process.stderr.write(`run ${round} of ${runs}: ${task.what} ${task.name} ${task.count}\n`);
      results.add(task, await measure(task, profiles));
    }
    // Whoever ends it early has what was measured until then.
    if (write) await writeResults(results, round, extent);
  }
  process.stdout.write(tables(results, extent));
}

await runCommand(readOptions, help, main);
