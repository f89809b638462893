import { startDemo } from "../../../demo/server.ts";
import type { StartServer } from "../../fan-out/servers/room-server.ts";

/** The demo, as `npm start` starts it without Redis. */
export const start: StartServer = async () => {
  const { url } = await startDemo({ port: 0 });
  return Number(new URL(url).port);
};
