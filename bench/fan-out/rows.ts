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

const bare = { dialect: "frames", nodes: 1 } as const;
const webSocket = { dialect: "websocket", nodes: 1 } as const;
const socketIo = { dialect: "socket.io", server: "socket-io" } as const;
const greenroom = { dialect: "websocket", server: "greenroom" } as const;

/** All that is measured, by the name it has on the command line. */
export const rows = {
  net: { ...bare, title: "bare `net`, a write per member", short: "net", server: "net" },
  ws: { ...webSocket, title: "bare ws, `send` in a loop", short: "ws", server: "ws" },
  "ws-framed": { ...webSocket, title: "ws, framed once", short: "ws, framed once", server: "ws-framed" },
  "socket.io": { ...socketIo, title: "Socket.IO", short: "Socket.IO", nodes: 1 },
  uwebsockets: {
    ...webSocket,
    title: "uWebSockets.js (C++)",
    short: "uWebSockets.js",
    server: "uwebsockets",
  },
  ours: { ...greenroom, title: "**Greenroom**, `MemoryLayer`", short: "Greenroom", nodes: 1 },
  "socket.io-pubsub": {
    ...{ ...socketIo, variant: "pubsub", nodes: 2 },
    ...{ title: "Socket.IO, `@socket.io/redis-adapter`", short: "Socket.IO, pub/sub" },
  },
  "socket.io-streams": {
    ...{ ...socketIo, variant: "streams", nodes: 2 },
    ...{ title: "Socket.IO, `@socket.io/redis-streams-adapter`", short: "Socket.IO, streams" },
  },
  "ours-pubsub": {
    ...{ ...greenroom, variant: "pubsub", nodes: 2 },
    ...{ title: "**Greenroom**, `RedisPubSubLayer`", short: "Greenroom, pub/sub" },
  },
  "ours-streams": {
    ...{ ...greenroom, variant: "streams", nodes: 2 },
    ...{ title: "**Greenroom**, `RedisStreamsLayer`", short: "Greenroom, streams" },
  },
} as const satisfies Readonly<Record<string, Row>>;

export type RowName = keyof typeof rows;
export const rowNames = Object.keys(rows) as readonly RowName[];
