/** How a client speaks to a server: bare frames, WebSocket, or Socket.IO in its WebSockets. */
export type Dialect = "frames" | "websocket" | "socket.io";

export interface Row {
  readonly title: string;
  /** The same where there is little room. */
  readonly short: string;
  readonly dialect: Dialect;
  /** The module in `servers` that serves it. */
  readonly server: string;
  /** What the module is told, where it serves several rows. */
  readonly variant?: string;
  /** How many nodes share the members, over Redis where there is more than one. */
  readonly nodes: 1 | 2;
}

const one = { nodes: 1 } as const;
const two = { nodes: 2 } as const;

/** All that is measured, by the name it has on the command line. */
export const rows = {
  net: { title: "bare `net`, a write per member", short: "net", dialect: "frames", server: "net", ...one },
  ws: { title: "bare ws, `send` in a loop", short: "ws", dialect: "websocket", server: "ws", ...one },
  "ws-framed": {
    title: "ws, framed once",
    short: "ws, framed once",
    dialect: "websocket",
    server: "ws-framed",
    ...one,
  },
  "socket.io": { title: "Socket.IO", short: "Socket.IO", dialect: "socket.io", server: "socket-io", ...one },
  uwebsockets: {
    title: "uWebSockets.js (C++)",
    short: "uWebSockets.js",
    dialect: "websocket",
    server: "uwebsockets",
    ...one,
  },
  ours: {
    title: "**Greenroom**, `MemoryLayer`",
    short: "Greenroom",
    dialect: "websocket",
    server: "greenroom",
    ...one,
  },
  "socket.io-pubsub": {
    ...{
      title: "Socket.IO, `@socket.io/redis-adapter`",
      short: "Socket.IO, pub/sub",
      dialect: "socket.io" as const,
    },
    ...{ server: "socket-io", variant: "pubsub", ...two },
  },
  "socket.io-streams": {
    ...{
      title: "Socket.IO, `@socket.io/redis-streams-adapter`",
      short: "Socket.IO, streams",
      dialect: "socket.io" as const,
    },
    ...{ server: "socket-io", variant: "streams", ...two },
  },
  "ours-pubsub": {
    ...{
      title: "**Greenroom**, `RedisPubSubLayer`",
      short: "Greenroom, pub/sub",
      dialect: "websocket" as const,
    },
    ...{ server: "greenroom", variant: "pubsub", ...two },
  },
  "ours-streams": {
    ...{
      title: "**Greenroom**, `RedisStreamsLayer`",
      short: "Greenroom, streams",
      dialect: "websocket" as const,
    },
    ...{ server: "greenroom", variant: "streams", ...two },
  },
} as const satisfies Readonly<Record<string, Row>>;

export type RowName = keyof typeof rows;
export const rowNames = Object.keys(rows) as readonly RowName[];
