import { WebSocket } from "ws";
import { connect } from "../../../../client/index.ts";
import type { Follow } from "../app.ts";
import { news } from "./contract.ts";

export const follow: Follow = (url, onHeadline, onGap) => {
  const client = connect(news, { url, WebSocket });
  client.on("headline", onHeadline);
  client.onGap(onGap);
};
