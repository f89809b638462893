import { setTimeout as pause } from "node:timers/promises";
import { LayerUnavailableError } from "greenroom";

/** How long to wait for a layer that is out of reach until it is asked again, in milliseconds. */
const askAgainMs = 250;

/**
 * Does what takes a layer, again while that is out of reach, until it works or `signal` is aborted. After an outage one layer may be
 * back, and tell of a gap, before another is.
 */
export async function untilReached(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    try {
      await work();
      return;
    } catch (error) {
      if (!(error instanceof LayerUnavailableError)) throw error;
      await pause(askAgainMs, undefined, { signal }).catch(() => {});
    }
  }
}
