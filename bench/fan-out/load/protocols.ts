import { type ClientProtocol, session, socketIo, webSocket } from "../../harness/client/client-protocol.ts";
import type { Protocol } from "../rows.ts";

function withLength(text: string): Buffer {
  const bytes = Buffer.from(text);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

export const protocols: Readonly<Record<Protocol, ClientProtocol>> = {
  frames: {
    handshake: withLength,
    upgrades: false,
    message: withLength,
    envelope: ["", ""],
    answer: () => undefined,
    joined: "joined",
    closing: undefined,
  },
  websocket: webSocket,
  session,
  "socket.io": socketIo,
};
