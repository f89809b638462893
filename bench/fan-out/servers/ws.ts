import { createServer } from "node:http";
import { type WebSocket, WebSocketServer } from "ws";
import { listen, queryOf, roomOf, roomsOf, type StartServer } from "./room-server.ts";
import { Rooms } from "./rooms.ts";

/** ws as its documentation shows: with default options, and a call of `send` for each member. */
export const start: StartServer = () => {
  const rooms = new Rooms<WebSocket>();
  const server = createServer();
  new WebSocketServer({ server }).on("connection", (socket, { url }) => {
    const joined = roomsOf(queryOf(url));
    rooms.join(joined, socket);
    socket.on("message", (message: Buffer) => {
      const text = message.toString();
      for (const member of rooms.of(roomOf(text))) member.send(text);
    });
    socket.on("close", () => rooms.leave(joined, socket));
    socket.on("error", () => {});
    socket.send("joined");
  });
  return listen(server);
};
