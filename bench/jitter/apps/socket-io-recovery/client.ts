import { io } from "socket.io-client";
import type { Follow } from "../app.ts";

export const follow: Follow = (url, onHeadline, onGap) => {
  const socket = io(url, { transports: ["websocket"], forceNew: true });
  let isFirst = true;
  socket.on("connect", () => {
    if (!isFirst && !socket.recovered) onGap();
    isFirst = false;
  });
  socket.on("headline", onHeadline);
};
