import { io } from "socket.io-client";
import type { Stay } from "./app.ts";

/** The client of Socket.IO with default options, but only the WebSocket transport. */
export const stay: Stay = (origin, query, { onJoined, onText }) => {
  const socket = io(origin, {
    transports: ["websocket"],
    forceNew: true,
    query: Object.fromEntries(new URLSearchParams(query)),
  });
  socket.on("joined", onJoined);
  socket.on("message", onText);
  return (text) => socket.emit("message", text);
};
