import { Server, type ServerOptions } from "socket.io";
import type { Serve } from "../app.ts";

export const serve: Serve<ServerOptions["adapter"]> = (server, adapter) => {
  const io = new Server(server, { adapter });
  return (headline) => io.emit("headline", headline);
};
