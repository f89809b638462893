import { WebSocket } from "ws";
import { connect } from "../../../client/index.ts";
import type { Stay } from "./app.ts";

/** `greenroom/client` with default options. Its sessions are resumed. */
export const stay: Stay = (origin, query, { onJoined, onText, onFresh }) => {
  const client = connect({ url: `${origin}/?${query}`, WebSocket });
  client.onStatus(({ state }) => {
    if (state === "joined") onJoined();
  });
  client.on("text", (text) => {
    if (text !== "joined") onText(text);
  });
  client.onGap(({ fresh }) => {
    if (fresh) onFresh();
  });
  return (text) => void client.send(text).catch(() => {});
};
