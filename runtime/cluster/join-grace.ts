import type { ChannelLayer } from "../../layers/channel-layer.ts";
import type { Clock } from "../../layers/clock.ts";
import { pause } from "../../layers/retry.ts";

/** Maximum time to wait for answers to the first announcement, in milliseconds. */
const maxGraceMs = 250;
/** Maximum number of turns of the event loop for a round trip within one process. */
const roundTripTurns = 4;

/** Waits for other nodes to answer the first announcement, so that a request to all nodes reaches them. */
export async function joinGrace(
  { capabilities }: ChannelLayer,
  nodeHeartbeatMs: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  if (capabilities.crossProcess) return pause(Math.min(maxGraceMs, nodeHeartbeatMs), clock, signal);
  for (let turn = 0; turn < roundTripTurns; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}
