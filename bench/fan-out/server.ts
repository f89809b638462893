import { serverTasks } from "../harness/server-tasks.ts";
import { serveTasks } from "../harness/worker-process.ts";
import type { ServerOptions, StartServer } from "./servers/room-server.ts";

/** The tasks of a server's process. The process loads only the module of that server. */
const tasks = {
  /** @returns the port. */
  async open(module: string, options: ServerOptions): Promise<number> {
    const { start } = (await import(`./servers/${module}.js`)) as { start: StartServer };
    return start(options);
  },
  ...serverTasks(),
};
export type ServerTasks = typeof tasks;

serveTasks(tasks);
