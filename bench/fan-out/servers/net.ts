import { createServer, type Socket } from "node:net";
import { frameText } from "../../harness/client/frame-text.ts";
import { listen, queryOf, roomOf, roomsOf, type StartServer } from "./room-server.ts";
import { Rooms } from "./rooms.ts";

/**
 * The minimum for a Node server: no handshake, and for each message one write per member.
 *
 * Before each message, clients send the length of the message in four bytes. The first message is the query,
 * which other protocols have in the URL.
 */
export const start: StartServer = () => {
  const rooms = new Rooms<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    let joined: string[] | undefined;
    const receive = (text: string) => {
      if (joined === undefined) {
        joined = roomsOf(queryOf(`/?${text}`));
        rooms.join(joined, socket);
        socket.write(frameText("joined"));
        return;
      }
      const frame = frameText(text);
      for (const member of rooms.of(roomOf(text))) member.write(frame);
    };
    let rest: Buffer | undefined;
    socket.on("data", (chunk: Buffer) => {
      let bytes = rest === undefined ? chunk : Buffer.concat([rest, chunk]);
      while (bytes.length >= 4) {
        const end = 4 + bytes.readUInt32BE();
        if (bytes.length < end) break;
        receive(bytes.toString("utf8", 4, end));
        bytes = bytes.subarray(end);
      }
      rest = bytes.length === 0 ? undefined : bytes;
    });
    socket.on("close", () => rooms.leave(joined ?? [], socket));
    socket.on("error", () => {});
  });
  return listen(server);
};
