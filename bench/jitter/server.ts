import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { now } from "../harness/clock.ts";
import { serveTasks } from "../harness/worker-process.ts";
import type { Broadcast, Serve } from "./apps/app.ts";
import { connectors } from "./connectors.ts";
import type { AppName, ConnectorName } from "./plan.ts";

let broadcast: Broadcast;

const tasks = {
  /** Serves an app. @param port 0 for a free port @returns the port */
  async open(app: AppName, connector: ConnectorName, redisUrl: string, port: number): Promise<number> {
    const { serve } = (await import(`./apps/${app}/server.ts`)) as { serve: Serve<unknown> };
    const server = createServer();
    broadcast = await serve(server, connectors[connector](redisUrl));
    server.listen({ port, host: "127.0.0.1", backlog: 4_096 });
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  },
  /** Sends a headline to all clients. Resolves when the library has taken it. */
  async broadcast(number: number): Promise<void> {
    await broadcast({ number, at: now() });
  },
};
export type ServerTasks = typeof tasks;

serveTasks(tasks);
