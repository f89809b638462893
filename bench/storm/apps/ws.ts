import { WebSocket } from "ws";
import { firstWindowMs, maxWindowMs } from "../plan.ts";
import type { Stay } from "./app.ts";

/** A WebSocket that reconnects with full jitter, within a window that doubles with each failure. */
export const stay: Stay = (origin, query, { onJoined, onText }) => {
  let socket: WebSocket;
  let attempts = 0;
  const open = () => {
    socket = new WebSocket(`${origin}/?${query}`);
    socket.on("message", (data) => {
      const text = `${data}`;
      if (text !== "joined") return onText(text);
      attempts = 0;
      onJoined();
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      setTimeout(open, Math.random() * Math.min(firstWindowMs * 2 ** attempts, maxWindowMs));
      attempts += 1;
    });
  };
  open();
  return (text) => socket.send(text);
};
