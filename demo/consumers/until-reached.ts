import { setTimeout as pause } from "node:timers/promises";
import { LayerUnavailableError } from "greenroom";

const retryAfterMs = 250;

/**
 * Retries `work` while its layer is unavailable. Ends when `work` has succeeded, or `signal` is aborted. A
 * retry may be needed after an outage: one layer reports a gap while another layer is still unavailable.
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
