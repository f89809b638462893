import { WebSocket } from "ws";
import type { Follow } from "../app.ts";

export const follow: Follow = (url, onHeadline) => {
  let attempts = 0;
  const open = () => {
    const socket = new WebSocket(url);
    socket.on("open", () => {
      attempts = 0;
    });
    socket.on("message", (data) => onHeadline(JSON.parse(`${data}`)));
    socket.on("error", () => {});
    socket.on("close", () => {
      setTimeout(open, Math.random() * Math.min(500 * 2 ** attempts, 5_000));
      attempts += 1;
    });
  };
  open();
};
