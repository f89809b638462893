import { fileURLToPath } from "node:url";
import { RemoteProcess } from "../remote-process.ts";
import type { Memory } from "./collected-memory.ts";
import { cpuMicrosOf } from "./cpu.ts";
import type { Load, TrafficFigures } from "./load/traffic.ts";
import type { LoadTasks, Opening } from "./load.ts";
import { type Row, type RowName, rows } from "./rows.ts";
import type { ServerTasks } from "./server.ts";

export interface Surroundings {
  readonly redisUrl: string;
  /** Reads how much CPU Redis has used so far, in microseconds. */
  readonly redisMicros: () => Promise<number>;
  /** A folder for CPU profiles of the servers, if they are wanted. */
  readonly profiles: string | undefined;
}

/** What was built: processes that are measured have neither a loader nor a compiler of TypeScript in them. */
function built(file: string): string {
  return fileURLToPath(new URL(`dist/bench/fan-out/${file}`, import.meta.url));
}

/** The servers of one row and the clients, each a process of its own. */
export class System {
  readonly #row: Row;
  readonly #surroundings: Surroundings;
  readonly #load = new RemoteProcess<LoadTasks>(built("load.js"), []);
  readonly #servers: readonly RemoteProcess<ServerTasks>[];
  #ports: readonly number[] = [];

  private constructor(row: Row, surroundings: Surroundings) {
    this.#row = row;
    this.#surroundings = surroundings;
    const { profiles } = surroundings;
    const profiling = profiles === undefined ? [] : ["--cpu-prof", "--cpu-prof-dir", profiles];
    this.#servers = Array.from(
      { length: row.nodes },
      () => new RemoteProcess<ServerTasks>(built("server.js"), ["--expose-gc", ...profiling]),
    );
  }

  /** Starts a row's servers, has `work` done, and ends all processes. @throws naming the row. */
  static async with<T>(
    name: RowName,
    surroundings: Surroundings,
    work: (system: System) => Promise<T>,
  ): Promise<T> {
    const system = new System(rows[name], surroundings);
    try {
      await system.#start();
      return await work(system);
    } catch (error) {
      throw new Error(`${name}: ${(error as Error).message}`, { cause: error });
    } finally {
      await system.#close();
    }
  }

  async #start(): Promise<void> {
    const { server, variant } = this.#row;
    const { redisUrl } = this.#surroundings;
    const opened = this.#servers.map((each) => each.ask("open", server, { variant, redisUrl }));
    this.#ports = await Promise.all(opened);
  }

  /** Opens connections, the same number to each node. */
  async open(connections: number, rooms: Pick<Opening, "first" | "count" | "isMember">): Promise<void> {
    const { dialect } = this.#row;
    await this.#load.ask("open", { ports: this.#ports, dialect, connections, ...rooms });
  }

  /** Closes all that {@link open} has opened. */
  async closeAll(): Promise<void> {
    await this.#load.ask("close");
  }

  /** Messages, all of them from clients of the first node. */
  run(load: Omit<Load, "stride">): Promise<TrafficFigures> {
    return this.#load.ask("run", { ...load, stride: this.#servers.length });
  }

  /** Opens connections to the first node and closes them. @returns the seconds that it took. */
  churn(connections: number, atOnce: number): Promise<number> {
    const [port = 0] = this.#ports;
    return this.#load.ask("churn", { port, dialect: this.#row.dialect, connections, atOnce });
  }

  /** What all servers have used so far, in microseconds. */
  async cpuMicros(): Promise<number> {
    const all = this.#servers.map(
      async (server) => (await cpuMicrosOf(server.pid)) ?? server.ask("cpuMicros"),
    );
    return (await Promise.all(all)).reduce((sum, micros) => sum + micros, 0);
  }

  /** The same of Redis; 0 where it has nothing to do. */
  async redisMicros(): Promise<number> {
    return this.#row.nodes === 1 ? 0 : this.#surroundings.redisMicros();
  }

  /** What the first node holds on to. */
  memory(): Promise<Memory> {
    const [server] = this.#servers;
    if (server === undefined) throw new Error("There is no server.");
    return server.ask("memory");
  }

  async #close(): Promise<void> {
    await Promise.all([this.#load, ...this.#servers].map((each) => each.close()));
  }
}
