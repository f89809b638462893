// One measurement, in a process of its own: `worker.ts <work> <row> <count>`.
import type { RowName } from "./rows.ts";
import { measureWork, type WorkName } from "./works.ts";

const [, , work, row, count] = process.argv;
process.stdout.write(JSON.stringify(await measureWork(work as WorkName, row as RowName, Number(count))));
