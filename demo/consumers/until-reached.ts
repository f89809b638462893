import { setTimeout as pause } from "node:timers/promises";
import { LayerUnavailableError } from "greenroom";

const retryAfterMs = 250;

/**
 * Retries `work` while its layer is unavailable, until it succeeds or `signal` is aborted. After an outage,
 * one layer may be back and report a gap before another one is.
 */
export async function untilReached(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    try {
      await work();
      return;
    } catch (error) {
      if (!(error instanceof LayerUnavailableError)) throw error;
      await pause(retryAfterMs, undefined, { signal }).catch(() => {});
    }
  }
}
