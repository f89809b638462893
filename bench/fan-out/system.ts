import { fileURLToPath } from "node:url";
import { RemoteProcess } from "../remote-process.ts";
import { cpuMicrosOf } from "./cpu.ts";
import type { Load } from "./load/traffic.ts";
import type { LoadTasks, Opening } from "./load.ts";
import { type Row, type RowName, rows } from "./rows.ts";
import type { ServerTasks } from "./server.ts";

/** What was built: processes that are measured have neither a loader nor a compiler of TypeScript in them. */
function built(file: string): string {
  return fileURLToPath(new URL(`dist/bench/fan-out/${file}`, import.meta.url));
}

export interface Surroundings {
  readonly redisUrl: string;
  /** A folder for CPU profiles of the servers, if they are wanted. */
  readonly profiles: string | undefined;
}

/** The servers of one row and the clients, each a process of its own. */
export class System {
  readonly load = new RemoteProcess<LoadTasks>(built("load.js"), []);
  readonly servers: readonly RemoteProcess<ServerTasks>[];
  readonly #row: Row;
  #ports: readonly number[] = [];

  private constructor(row: Row, profiles: string | undefined) {
    this.#row = row;
    this.servers = Array.from(
      { length: row.nodes },
      () =>
        new RemoteProcess<ServerTasks>(built("server.js"), [
          "--expose-gc",
          ...(profiles === undefined ? [] : ["--cpu-prof", "--cpu-prof-dir", profiles]),
        ]),
    );
  }

  /** Starts a row's servers, has `work` done, and ends all processes. @throws naming the row. */
  static async with<T>(
    name: RowName,
    { redisUrl, profiles }: Surroundings,
    work: (system: System) => Promise<T>,
  ): Promise<T> {
    const system = new System(rows[name], profiles);
    try {
      await system.#start(redisUrl);
      return await work(system);
    } catch (error) {
      throw new Error(`${name}: ${(error as Error).message}`, { cause: error });
    } finally {
      await system.#close();
    }
  }

  async #start(redisUrl: string): Promise<void> {
    const { server, variant } = this.#row;
    this.#ports = await Promise.all(
      this.servers.map((each) => each.ask("open", server, { variant, redisUrl })),
    );
  }

  /** Opens connections, the same number to each node. */
  async open(connections: number, rooms: Pick<Opening, "first" | "count" | "isMember">): Promise<void> {
    await this.load.ask("open", { ports: this.#ports, dialect: this.#row.dialect, connections, ...rooms });
  }

  /** Messages, all of them from clients of the first node. */
  run(load: Omit<Load, "stride">) {
    return this.load.ask("run", { ...load, stride: this.servers.length });
  }

  /** Opens connections to the first node and closes them. */
  churn(connections: number, atOnce: number): Promise<number> {
    const [port = 0] = this.#ports;
    return this.load.ask("churn", { port, dialect: this.#row.dialect, connections, atOnce });
  }

  /** What all servers have used so far, in microseconds. */
  async cpuMicros(): Promise<number> {
    const all = this.servers.map(
      async (server) => (await cpuMicrosOf(server.pid)) ?? server.ask("cpuMicros"),
    );
    return (await Promise.all(all)).reduce((sum, micros) => sum + micros, 0);
  }

  async #close(): Promise<void> {
    await Promise.all([this.load, ...this.servers].map((each) => each.close()));
  }
}
