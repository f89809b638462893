import { createServer } from "node:http";
import { createAdapter as createPubSubAdapter } from "@socket.io/redis-adapter";
import { createAdapter as createStreamsAdapter } from "@socket.io/redis-streams-adapter";
import { Redis } from "ioredis";
import { Server, type ServerOptions } from "socket.io";
import { listen, roomOf, roomsOf, type StartServer } from "./room-server.ts";

/** Socket.IO with default options, but only the WebSocket transport. */
export const start: StartServer = ({ variant, redisUrl }) => {
  const server = createServer();
  const io = new Server(server, { transports: ["websocket"], ...adapterOf(variant, redisUrl) });
  io.on("connection", async (socket) => {
    const { first, count } = socket.handshake.query;
    socket.on("message", (text: string) => {
      io.to(roomOf(text)).emit("message", text);
    });
    await socket.join(roomsOf(new URLSearchParams({ first: `${first}`, count: `${count}` })));
    socket.emit("joined");
  });
  return listen(server);
};

function adapterOf(variant: string | undefined, url: string): Pick<ServerOptions, "adapter"> | undefined {
  if (variant === undefined) return undefined;
  const client = new Redis(url);
  if (variant === "streams") return { adapter: createStreamsAdapter(client) };
  return { adapter: createPubSubAdapter(client, client.duplicate()) };
}
