import { serveTasks } from "../harness/worker-process.ts";
import { measureWorkload } from "./workloads.ts";

const tasks = { measure: measureWorkload };
export type WorkloadTasks = typeof tasks;

serveTasks(tasks);
