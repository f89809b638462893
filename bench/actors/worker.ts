import { serveTasks } from "../harness/worker-process.ts";
import { measureMessaging } from "./messaging.ts";
import { measureSpawning } from "./spawning.ts";

const tasks = { spawning: measureSpawning, messaging: measureMessaging };
export type ActorTasks = typeof tasks;

serveTasks(tasks);
