import { createServer } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import { frameText } from "../../harness/client/frame-text.ts";
import { listen, queryOf, roomOf, roomsOf, type StartServer } from "./room-server.ts";
import { Rooms } from "./rooms.ts";

/** ws, but each message is encoded as a frame once, and the frame is written directly to the sockets. */
export const start: StartServer = () => {
  const rooms = new Rooms<Duplex>();
  const server = createServer();
  new WebSocketServer({ server }).on("connection", (websocket, { url, socket }) => {
    const joined = roomsOf(queryOf(url));
    rooms.join(joined, socket);
    websocket.on("message", (message: Buffer) => {
      const text = message.toString();
      const frame = frameText(text);
      for (const member of rooms.of(roomOf(text))) member.write(frame);
    });
    websocket.on("close", () => rooms.leave(joined, socket));
    websocket.on("error", () => {});
    websocket.send("joined");
  });
  return listen(server);
};
