import { runCommand } from "../command.ts";
import { measureApart } from "../measure.ts";
import { Results } from "../results.ts";
import { measureCrowd } from "./crowd-measuring.ts";
import { help, type Options, readOptions } from "./options.ts";
import { type InspectorTask, workTasks } from "./plan.ts";
import { tables } from "./tables.ts";
import { write as writeResults } from "./writing.ts";

const worker = new URL("worker.ts", import.meta.url);

function progress(text: string): void {
  process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${text}\n`);
}

async function main({ runs, parts, actors, profiles, write }: Options): Promise<void> {
  const results = new Results<InspectorTask>();
  if (parts.includes("crowd")) await measureCrowd(actors, results, progress, profiles);
  for (let round = 1; parts.includes("works") && round <= runs; round += 1) {
    for (const task of workTasks) {
      progress(`run ${round} of ${runs}: ${task.what} ${task.name}`);
      results.add(task, await measureApart(worker, task, profiles));
    }
  }
  if (write) await writeResults(results, runs, actors);
  process.stdout.write(tables(results, actors));
}

await runCommand(readOptions, help, main);
