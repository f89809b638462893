import { answerTasks } from "../remote-process.ts";
import { type Churn, churn } from "./load/churn.ts";
import { Connection } from "./load/connection.ts";
import { type Load, Traffic, type TrafficFigures } from "./load/traffic.ts";
import type { Dialect } from "./rows.ts";

/** Connections to open: each is in `count` rooms, from the room `first` on. */
export interface Opening {
  /** Connections take them in turn. */
  readonly ports: readonly number[];
  readonly dialect: Dialect;
  readonly connections: number;
  readonly first: number;
  readonly count: number;
  /** Whether they get messages; otherwise they are just there. */
  readonly isMember: boolean;
}

/** The process of the clients, all of them. */
export interface LoadTasks {
  open(opening: Opening): Promise<void>;
  run(load: Load): Promise<TrafficFigures>;
  churn(churn: Churn): Promise<number>;
  close(): Promise<void>;
}

/** How many are opened or closed at once. */
const atOnce = 100;

const members: Connection[] = [];
const others: Connection[] = [];

const tasks: LoadTasks = {
  async open({ ports, dialect, connections, first, count, isMember }) {
    for (let from = 0; from < connections; from += atOnce) {
      const length = Math.min(atOnce, connections - from);
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
  churn,
  async close() {
    const all = [...members.splice(0), ...others.splice(0)];
    for (let from = 0; from < all.length; from += atOnce) {
      await Promise.all(all.slice(from, from + atOnce).map((connection) => connection.close()));
    }
  },
};

answerTasks(tasks);
