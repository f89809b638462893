import { serveTasks } from "../harness/worker-process.ts";
import { measureDeliveries } from "./deliveries.ts";
import { measureFrames } from "./frames.ts";

const tasks = { frames: measureFrames, deliveries: measureDeliveries };
export type ContractTasks = typeof tasks;

serveTasks(tasks);
