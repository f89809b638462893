import { bystanderTasks } from "../harness/client/bystander.ts";
import { serveTasks } from "../harness/worker-process.ts";
import { protocols } from "./load/protocols.ts";

const tasks = bystanderTasks(protocols);
export type BystanderTasks = typeof tasks;

serveTasks(tasks);
