import { createServer } from "node:http";
import { type WebSocket, WebSocketServer } from "ws";
import { listen, type StartServer } from "../../fan-out/servers/room-server.ts";
import { Rooms } from "../../fan-out/servers/rooms.ts";

/** The room chat of the README with ws: a call of `send` for each member. */
export const start: StartServer = () => {
  const rooms = new Rooms<WebSocket>();
  const server = createServer();
  new WebSocketServer({ server }).on("connection", (socket, { url = "/" }) => {
    rooms.join([url], socket);
    socket.on("message", (message: Buffer) => {
      const text = `💬 ${message}`;
      for (const member of rooms.of(url)) member.send(text);
    });
    socket.on("close", () => rooms.leave([url], socket));
    socket.on("error", () => {});
  });
  return listen(server);
};
