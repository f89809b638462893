import { Connection } from "../harness/client/connection.ts";
import { serveTasks } from "../harness/worker-process.ts";
import { protocols } from "./load/protocols.ts";
import { type Load, Traffic } from "./load/traffic.ts";
import type { Protocol } from "./rows.ts";

const batch = 100;

const members: Connection[] = [];
const others: Connection[] = [];
let target: { readonly ports: readonly number[]; readonly protocol: Protocol };

function connect(query: string, index = 0): Promise<Connection> {
  const port = target.ports[index % target.ports.length];
  if (port === undefined) throw new Error("Call configure() with the ports of the servers first.");
  return Connection.open(port, protocols[target.protocol], query);
}

const tasks = {
  /** @param ports of the nodes. Connections are divided evenly among the nodes. */
  configure(ports: readonly number[], protocol: Protocol): void {
    target = { ports, protocol };
  },
  /** Opens connections in the rooms of `query`. @param isMember whether the rooms receive messages */
  async open(connections: number, query: string, isMember: boolean): Promise<void> {
    for (let from = 0; from < connections; from += batch) {
      const length = Math.min(batch, connections - from);
      const opened = Array.from({ length }, (_, index) => connect(query, from + index));
      (isMember ? members : others).push(...(await Promise.all(opened)));
    }
  },
  /** All senders are connections of the first node. */
  send: (load: Load) => new Traffic(members, load, target.ports.length).run(),
  /** Opens and closes connections to the first node, `atOnce` at a time. @returns the duration in seconds */
  async churn(connections: number, query: string, atOnce: number): Promise<number> {
    const from = performance.now();
    let begun = 0;
    const work = async () => {
      while (begun < connections) {
        begun += 1;
        const connection = await connect(query);
        await connection.close();
      }
    };
    await Promise.all(Array.from({ length: atOnce }, work));
    return (performance.now() - from) / 1_000;
  },
  async closeAll(): Promise<void> {
    const all = [...members.splice(0), ...others.splice(0)];
    for (let from = 0; from < all.length; from += batch) {
      await Promise.all(all.slice(from, from + batch).map((connection) => connection.close()));
    }
  },
};
export type LoadTasks = typeof tasks;

serveTasks(tasks);
