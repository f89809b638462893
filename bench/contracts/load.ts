import { type Load, Traffic } from "../fan-out/load/traffic.ts";
import { Connection } from "../harness/client/connection.ts";
import { serveTasks } from "../harness/worker-process.ts";
import { type Protocol, protocols } from "./protocol.ts";

const batch = 100;
const members: Connection[] = [];

const tasks = {
  async open(port: number, protocol: Protocol, count: number): Promise<void> {
    for (let opened = 0; opened < count; opened += batch) {
      const length = Math.min(batch, count - opened);
      const connections = Array.from({ length }, () => Connection.open(port, protocols[protocol], ""));
      members.push(...(await Promise.all(connections)));
    }
  },
  send: (load: Load) => new Traffic(members, load, 1).run(),
};
export type LoadTasks = typeof tasks;

serveTasks(tasks);
