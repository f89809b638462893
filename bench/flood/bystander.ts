import { bystanderTasks } from "../harness/client/bystander.ts";
import { serveTasks } from "../harness/worker-process.ts";
import { protocols } from "./plan.ts";

const tasks = bystanderTasks(protocols);
export type BystanderTasks = typeof tasks;

serveTasks(tasks);
