import { startDemo } from "../../../demo/server.ts";
import type { StartServer } from "../../fan-out/servers/room-server.ts";
import { floodLimits } from "./flood-limits.ts";

/** The demo, as `npm start` starts it without Redis, with the limits of a flood. */
export const start: StartServer = async () => {
  const { url } = await startDemo({ port: 0, limits: floodLimits });
  return Number(new URL(url).port);
};
