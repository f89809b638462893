import type { StartServer } from "../fan-out/servers/room-server.ts";
import { serverTasks } from "../harness/server-tasks.ts";
import { serveTasks } from "../harness/worker-process.ts";

const tasks = {
  /** @returns the port. */
  async open(module: string): Promise<number> {
    const { start } = (await import(module)) as { start: StartServer };
    return start({ variant: undefined, redisUrl: "" });
  },
  ...serverTasks(),
};
export type ServerTasks = typeof tasks;

serveTasks(tasks);
