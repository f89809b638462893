import { io } from "socket.io-client";
import type { Follow } from "../app.ts";

export const follow: Follow = (url, onHeadline) => {
  io(url, { transports: ["websocket"], forceNew: true }).on("headline", onHeadline);
};
