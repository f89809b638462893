import { serveTasks } from "../harness/worker-process.ts";
import { measureWorkload } from "./workloads.ts";

/** Runs one measurement. */
const tasks = { measure: measureWorkload };
export type WorkloadTasks = typeof tasks;

serveTasks(tasks);
