import type { ChannelLayer } from "../../layers/channel-layer.ts";
import type { Clock } from "../../layers/clock.ts";
import { pause } from "../../layers/retry.ts";

/** Time for the other nodes to answer the first announcement, in milliseconds. */
const maxGraceMs = 250;
/** Turns of the event loop that a round trip within a process takes at most. */
const roundTripTurns = 4;

/**
 * Resolves when the other nodes have had time to answer this node's first announcement, or when `signal`
 * aborts. An earlier request to all nodes would reach only some of them.
 */
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
