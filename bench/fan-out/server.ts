import { answerTasks } from "../remote-process.ts";
import { collectedMemory, type Memory } from "./collected-memory.ts";
import type { ServerOptions, StartServer } from "./servers/room-server.ts";

/** The process of one server: what it serves is the module that it is told to open, and no other is loaded. */
export interface ServerTasks {
  /** @returns the port. */
  open(module: string, options: ServerOptions): Promise<number>;
  /** All threads of the process, the kernel's work for it included. */
  cpuMicros(): number;
  memory(): Promise<Memory>;
}

const tasks: ServerTasks = {
  async open(module, options) {
    const { start } = (await import(`./servers/${module}.js`)) as { start: StartServer };
    return start(options);
  },
  cpuMicros() {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
  memory: collectedMemory,
};

answerTasks(tasks);
