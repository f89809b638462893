import { randomFrom } from "../../layers/testing/random.ts";

/** The folders of the apps. */
export type AppName = "greenroom" | "greenroom-recovery" | "socket-io" | "socket-io-recovery" | "ws";

/** See `connectors.ts`. */
export type ConnectorName = "none" | "memory" | "pubsub" | "streams" | "adapter";

interface Row {
  readonly title: string;
  readonly app: AppName;
  readonly connector: ConnectorName;
  /**
   * Whether the headlines come from a second server, which has no clients and is not killed. Otherwise they come
   * from the server of the clients.
   */
  readonly isPublishedElsewhere: boolean;
}

export const rows = {
  "greenroom-memory": {
    title: "**Greenroom**, `MemoryLayer`",
    app: "greenroom",
    connector: "memory",
    isPublishedElsewhere: false,
  },
  "greenroom-pubsub": {
    title: "**Greenroom**, `RedisPubSubLayer`",
    app: "greenroom",
    connector: "pubsub",
    isPublishedElsewhere: true,
  },
  "greenroom-streams": {
    title: "**Greenroom**, `RedisStreamsLayer`",
    app: "greenroom-recovery",
    connector: "streams",
    isPublishedElsewhere: true,
  },
  "socket.io": { title: "Socket.IO", app: "socket-io", connector: "none", isPublishedElsewhere: false },
  "socket.io-recovery": {
    title: "Socket.IO, connection state recovery",
    app: "socket-io-recovery",
    connector: "none",
    isPublishedElsewhere: false,
  },
  "socket.io-recovery-streams": {
    title: "the same, `@socket.io/redis-streams-adapter`",
    app: "socket-io-recovery",
    connector: "adapter",
    isPublishedElsewhere: true,
  },
  ws: { title: "bare ws, which reconnects", app: "ws", connector: "none", isPublishedElsewhere: false },
} as const satisfies Readonly<Record<string, Row>>;
export type RowName = keyof typeof rows;
export const rowNames = Object.keys(rows) as readonly RowName[];
export const ours = ["greenroom-memory", "greenroom-pubsub", "greenroom-streams"] as const;

/** The tables. In `killed`, the server of the clients is killed in the middle, and starts again. */
export const tables = {
  cut: "The network of the clients breaks",
  killed: "The same, and the server is killed and restarted",
} as const;
export type TableName = keyof typeof tables;
export const tableNames: readonly TableName[] = ["cut", "killed"];

/** The amounts of one measurement. */
export interface Amounts {
  readonly clients: number;
  readonly broadcasts: number;
  readonly cuts: number;
}

/** The interval of the broadcasts, in milliseconds. */
export const intervalMs = 500;
/** The time for which a client cannot connect after a cut, in milliseconds. */
export const offlineMs = 2_000;
/** The time between the end of a killed server and the start of the next one, in milliseconds. */
export const downMs = 2_000;
/**
 * The measurement ends when all clients have been connected, and nothing has arrived, for this long after the last
 * broadcast, in milliseconds.
 */
export const silenceMs = 5_000;
/** The measurement ends this long after the last broadcast, at the latest, in milliseconds. */
export const graceMs = 90_000;

/** The due time of a cut, in milliseconds since the first broadcast. */
export interface Cut {
  readonly client: number;
  readonly atMs: number;
}

/** The part of a client's share of the time in which its cut is due. The rest is for coming back. */
const dueShare = 0.6;

/** The cuts of a measurement, the same in each one: each client has the same number of cuts, or one fewer. */
export function cutsOf({ clients, broadcasts, cuts }: Amounts): Cut[] {
  const random = randomFrom(1);
  const slotMs = (broadcasts * intervalMs) / Math.ceil(cuts / clients);
  return Array.from({ length: cuts }, (_, index) => ({
    client: index % clients,
    atMs: (Math.floor(index / clients) + random() * dueShare) * slotMs,
  }));
}
