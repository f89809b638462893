import { serveTasks } from "../harness/worker-process.ts";
import { Connection } from "./load/connection.ts";
import { type Load, Traffic, type TrafficFigures } from "./load/traffic.ts";
import type { Dialect } from "./rows.ts";

/** Connections to open, each in `count` rooms, starting with the room `first`. */
export interface Opening {
  /** Connections use them in turn. */
  readonly ports: readonly number[];
  readonly dialect: Dialect;
  readonly connections: number;
  readonly first: number;
  readonly count: number;
  /** Whether they receive messages. */
  readonly isMember: boolean;
}

/** Connections that are opened and closed at once. */
export interface Churn {
  readonly port: number;
  readonly dialect: Dialect;
  readonly connections: number;
  readonly atOnce: number;
}

/** The process of all clients. */
export interface LoadTasks {
  open(opening: Opening): Promise<void>;
  run(load: Load): Promise<TrafficFigures>;
  /** @returns seconds */
  churn(churn: Churn): Promise<number>;
  close(): Promise<void>;
}

/** The number of connections that are opened or closed at once. */
const batch = 100;

const members: Connection[] = [];
const others: Connection[] = [];

serveTasks<LoadTasks>({
  async open({ ports, dialect, connections, first, count, isMember }) {
    for (let from = 0; from < connections; from += batch) {
      const length = Math.min(batch, connections - from);
      const opened = await Promise.all(
        Array.from({ length }, (_, index) => {
          const port = ports[(from + index) % ports.length];
          if (port === undefined) throw new Error("There is no server to open connections to.");
          return Connection.open(port, dialect, `first=${first}&count=${count}`);
        }),
      );
      (isMember ? members : others).push(...opened);
    }
  },
  run: (load) => new Traffic(members, load).run(),
  async churn({ port, dialect, connections, atOnce }) {
    const from = performance.now();
    let begun = 0;
    const work = async () => {
      while (begun < connections) {
        begun += 1;
        const connection = await Connection.open(port, dialect, "first=0&count=1");
        await connection.close();
      }
    };
    await Promise.all(Array.from({ length: atOnce }, work));
    return (performance.now() - from) / 1_000;
  },
  async close() {
    const all = [...members.splice(0), ...others.splice(0)];
    for (let from = 0; from < all.length; from += batch) {
      await Promise.all(all.slice(from, from + batch).map((connection) => connection.close()));
    }
  },
});
