import { WebSocketServer } from "ws";
import type { Serve } from "../app.ts";

export const serve: Serve<undefined> = (server) => {
  const { clients } = new WebSocketServer({ server });
  return (headline) => {
    const text = JSON.stringify(headline);
    for (const client of clients) client.send(text);
  };
};
