import { serveTasks } from "../harness/worker-process.ts";
import { measureCrowd } from "./crowd.ts";
import { measureMessaging } from "./messaging.ts";
import { measureSpawning } from "./spawning.ts";

const tasks = { crowd: measureCrowd, spawning: measureSpawning, messaging: measureMessaging };
export type ActorTasks = typeof tasks;

serveTasks(tasks);
