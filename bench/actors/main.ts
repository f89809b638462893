import { runCommand } from "../command.ts";
import { measureApart } from "../measure.ts";
import { Results } from "../results.ts";
import { help, type Options, readOptions } from "./options.ts";
import { type ActorTask, type Extent, tables, tasks } from "./tables.ts";
import { write as writeResults } from "./writing.ts";

const worker = new URL("worker.ts", import.meta.url);

async function main({ runs, messages, actors, profiles, write }: Options): Promise<void> {
  const counts = [100, 1_000, 10_000, 100_000].filter((count) => count <= actors);
  const extent: Extent = { messages, counts };
  const results = new Results<ActorTask>();
  for (let round = 1; round <= runs; round += 1) {
    for (const task of tasks(extent)) {
      process.stderr.write(`run ${round} of ${runs}: ${task.what} ${task.name} ${task.count}\n`);
      results.add(task, await measureApart(worker, task, profiles));
    }
    // Whoever ends it early has what was measured until then.
    if (write) await writeResults(results, round, extent);
  }
  process.stdout.write(tables(results, extent));
}

await runCommand(readOptions, help, main);
