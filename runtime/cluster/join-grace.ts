import type { ChannelLayer } from "../../layers/channel-layer.ts";
import type { Clock } from "../../layers/clock.ts";
import { pause } from "../../layers/retry.ts";

/** How long the other nodes get to answer the first announcement, in milliseconds. */
const maxGraceMs = 250;
/** A message takes at most this many turns of the event loop there and back within a process. */
const turnsThereAndBack = 4;

/**
 * Resolves when the other nodes have had the time to answer this one's first announcement. A request to all nodes
 * before that would reach only some of them.
 *
 * @param signal ends the wait.
 */
export async function joinGrace(
  { capabilities }: ChannelLayer,
  nodeHeartbeatMs: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  if (capabilities.crossProcess) return pause(Math.min(maxGraceMs, nodeHeartbeatMs), clock, signal);
  for (let turn = 0; turn < turnsThereAndBack; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}
