import { connectingTooLong } from "../actors/connection-machine.ts";
import type { Exit } from "../actors/index.ts";

export const refusalCauses = [
  "route",
  "origin",
  "guard",
  "limit",
  "queue",
  "timeout",
  "draining",
  "consumer",
  "error",
  "protocol",
] as const;

/**
 * The reasons for which a runtime refuses an upgrade:
 *
 * - `route`: no route has this path, or a parameter is invalid
 * - `origin`: an origin guard does not let pages of this origin in
 * - `guard`: another guard refused it
 * - `limit`: a limit for connections or upgrades was reached
 * - `queue`: too many upgrades waited
 * - `timeout`: the guards and `connect` took too long
 * - `draining`: the runtime was closing, or closed the connection before it was accepted
 * - `consumer`: the consumer called `reject`
 * - `error`: a guard, a parameter check or `connect` threw an error
 * - `protocol`: the request was not a valid WebSocket handshake
 */
export type RefusalCause = (typeof refusalCauses)[number];

/** The cause of the refusal of a connection whose actor has begun. */
export function refusalCauseOf({ by, status, reason }: Exit): RefusalCause {
  if (by === "consumer") return "consumer";
  if (status === 500) return "error";
  if (reason === connectingTooLong) return "timeout";
  return status === 503 ? "draining" : "guard";
}
