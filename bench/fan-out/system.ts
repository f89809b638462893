import type { BenchRedis } from "../harness/redis.ts";
import { WorkerProcess } from "../harness/worker-process.ts";
import type { Load, TrafficFigures } from "./load/traffic.ts";
import type { LoadTasks, Opening } from "./load.ts";
import { type Row, type RowName, rows } from "./rows.ts";
import type { ServerTasks } from "./server.ts";

/** Measured processes run JavaScript that was built before, without a loader or compiler. */
const built = (file: string) => new URL(`dist/bench/fan-out/${file}`, import.meta.url);

/** The servers of one row and the clients, each a process of its own. */
export class System {
  readonly #row: Row;
  readonly #redis: BenchRedis;
  readonly #load = new WorkerProcess<LoadTasks>(built("load.js"));
  readonly #servers: readonly WorkerProcess<ServerTasks>[];
  #ports: readonly number[] = [];

  private constructor(name: RowName, redis: BenchRedis, profiles: string | undefined) {
    this.#row = rows[name];
    this.#redis = redis;
    this.#servers = Array.from(
      { length: this.#row.nodes },
      () => new WorkerProcess(built("server.js"), { profiles, label: name }),
    );
  }

  /** Starts a row's servers, calls `work`, and ends all processes. @throws naming the row */
  static async run(
    name: RowName,
    redis: BenchRedis,
    profiles: string | undefined,
    work: (system: System) => Promise<void>,
  ): Promise<void> {
    const system = new System(name, redis, profiles);
    try {
      const { server, variant } = system.#row;
      const options = { variant, redisUrl: redis.url };
      system.#ports = await Promise.all(system.#servers.map((each) => each.call("open", server, options)));
      await work(system);
    } catch (error) {
      throw new Error(`${name}: ${(error as Error).message}`, { cause: error });
    } finally {
      await Promise.all([system.#load, ...system.#servers].map((each) => each.close()));
    }
  }

  /** Opens connections, the same number to each node. */
  open(connections: number, rooms: Pick<Opening, "first" | "count" | "isMember">): Promise<void> {
    return this.#load.call("open", { ports: this.#ports, dialect: this.#row.dialect, connections, ...rooms });
  }

  /** Closes all connections that {@link open} has opened. */
  closeAll(): Promise<void> {
    return this.#load.call("close");
  }

  /** Sends messages, all from clients of the first node. */
  send(load: Omit<Load, "stride">): Promise<TrafficFigures> {
    return this.#load.call("run", { ...load, stride: this.#servers.length });
  }

  /** Opens connections to the first node and closes them. @returns seconds */
  churn(connections: number, atOnce: number): Promise<number> {
    const [port = 0] = this.#ports;
    return this.#load.call("churn", { port, dialect: this.#row.dialect, connections, atOnce });
  }

  /** The CPU time of all servers so far, in microseconds. */
  async cpuMicros(): Promise<number> {
    const all = await Promise.all(this.#servers.map((server) => server.call("cpuMicros")));
    return all.reduce((sum, micros) => sum + micros, 0);
  }

  /** The same of Redis; `undefined` if the row does not use it. */
  async redisMicros(): Promise<number | undefined> {
    return this.#row.nodes === 1 ? undefined : this.#redis.cpuMicros();
  }

  /** The memory of the first node. */
  async memory() {
    const [server] = this.#servers;
    if (server === undefined) throw new Error("There is no server.");
    return server.call("memory");
  }
}
