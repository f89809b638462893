/**
 * `frames` is TCP with length prefixes, without WebSocket. `session` is WebSocket with a session of Greenroom.
 * `socket.io` is Socket.IO over WebSocket.
 */
export type Protocol = "frames" | "websocket" | "session" | "socket.io";

export interface Row {
  readonly title: string;
  readonly protocol: Protocol;
  /** The module of the server, in the folder `servers`. */
  readonly server: string;
  /** The argument of a module that serves several rows. */
  readonly variant?: string;
  /** The number of nodes that share the members; two nodes are connected by Redis. */
  readonly nodes: 1 | 2;
  /** Whether Linux counts the server's writes: it does not count `send`. @default true */
  readonly countsWrites?: boolean;
}

const one = (title: string, protocol: Protocol, server: string): Row => ({
  title,
  protocol,
  server,
  nodes: 1,
});
const two = (title: string, protocol: Protocol, server: string, variant: string): Row => ({
  ...one(title, protocol, server),
  ...{ variant, nodes: 2 },
});

export const rows = {
  net: one("bare `net`, a write per member", "frames", "net"),
  ws: one("bare ws, `send` in a loop", "websocket", "ws"),
  "ws-framed": one("ws, framed once", "websocket", "ws-framed"),
  "socket.io": one("Socket.IO", "socket.io", "socket-io"),
  uwebsockets: { ...one("uWebSockets.js (C++)", "websocket", "uwebsockets"), countsWrites: false },
  greenroom: one("**Greenroom**, `MemoryLayer`", "websocket", "greenroom"),
  "greenroom-sessions": one("**Greenroom**, with sessions", "session", "greenroom"),
  "socket.io-pubsub": two("Socket.IO, `@socket.io/redis-adapter`", "socket.io", "socket-io", "pubsub"),
  "socket.io-streams": two(
    "Socket.IO, `@socket.io/redis-streams-adapter`",
    "socket.io",
    "socket-io",
    "streams",
  ),
  "greenroom-pubsub": two("**Greenroom**, `RedisPubSubLayer`", "websocket", "greenroom", "pubsub"),
  "greenroom-streams": two("**Greenroom**, `RedisStreamsLayer`", "websocket", "greenroom", "streams"),
};

export type RowName = keyof typeof rows;
export const rowNames = Object.keys(rows) as readonly RowName[];
