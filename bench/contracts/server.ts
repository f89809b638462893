import { serverTasks } from "../harness/server-tasks.ts";
import { serveTasks } from "../harness/worker-process.ts";
import { openRoom } from "./rooms.ts";

const tasks = { open: openRoom, ...serverTasks() };
export type RoomTasks = typeof tasks;

serveTasks(tasks);
