import { type Reading, sumOf } from "../harness/meter.ts";
import type { BenchRedis } from "../harness/redis.ts";
import { WorkerProcess } from "../harness/worker-process.ts";
import type { BystanderTasks } from "./bystander.ts";
import type { LoadTasks } from "./load.ts";
import { type Protocol, type Row, type RowName, rows } from "./rows.ts";
import type { ServerTasks } from "./server.ts";

/** The compiled JavaScript of a file, so that measured processes run without a loader or compiler. */
const built = (file: string) => new URL(`dist/bench/fan-out/${file}`, import.meta.url);

/** The client processes and the server processes of one row. */
export interface System {
  readonly clients: WorkerProcess<LoadTasks>;
  /** Connects to the first server. */
  readonly bystander: WorkerProcess<BystanderTasks>;
  readonly servers: readonly [WorkerProcess<ServerTasks>, ...WorkerProcess<ServerTasks>[]];
  readonly protocol: Protocol;
  /** The port of the first server. */
  readonly port: number;
  /** Whether the operating system counts the writes of the servers. */
  readonly countsWrites: boolean;
  /** Total CPU time of all servers, in microseconds. */
  cpuMicros(): Promise<number>;
  startMeters(): Promise<void>;
  /** The figures of all servers together since {@link startMeters}. */
  stopMeters(): Promise<Reading>;
  /** Total CPU time of Redis, in microseconds; `undefined` if the row does not use it. */
  redisMicros(): Promise<number | undefined>;
}

/** Starts a row's processes, calls `work`, and ends the processes. @throws an error that names the row */
export async function withSystem(
  name: RowName,
  redis: BenchRedis,
  profiles: string | undefined,
  work: (system: System) => Promise<void>,
): Promise<void> {
  const { nodes, server, variant, protocol, countsWrites = true }: Row = rows[name];
  const start = () => new WorkerProcess<ServerTasks>(built("server.js"), { profiles, label: name });
  const clients = new WorkerProcess<LoadTasks>(built("load.js"));
  const bystander = new WorkerProcess<BystanderTasks>(built("bystander.js"));
  const servers: System["servers"] = nodes === 1 ? [start()] : [start(), start()];
  try {
    const options = { variant, redisUrl: redis.url };
    const ports = await Promise.all(servers.map((each) => each.call("open", server, options)));
    await clients.call("configure", ports, protocol);
    await work({
      ...{ clients, bystander, servers, protocol, countsWrites, port: ports[0] ?? 0 },
      async cpuMicros() {
        const all = await Promise.all(servers.map((each) => each.call("cpuMicros")));
        return all.reduce((sum, micros) => sum + micros, 0);
      },
      async startMeters() {
        await Promise.all(servers.map((each) => each.call("startMeter")));
      },
      stopMeters: async () => sumOf(await Promise.all(servers.map((each) => each.call("stopMeter")))),
      redisMicros: async () => (nodes === 1 ? undefined : redis.cpuMicros()),
    });
  } catch (error) {
    throw new Error(`${name}: ${(error as Error).message}`, { cause: error });
  } finally {
    await Promise.all([clients, bystander, ...servers].map((each) => each.close()));
  }
}
