import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Figures } from "../protocol.ts";

const resolutionMs = 10;

/**
 * How late the event loop comes to what is due. A timer that is due every 10 ms is what Node measures it by
 * (https://nodejs.org/api/perf_hooks.html#perf_hooksmonitoreventloopdelayoptions): what it takes longer is the delay.
 */
export class LoopDelay {
  readonly #histogram = monitorEventLoopDelay({ resolution: resolutionMs });

  start(): void {
    this.#histogram.reset();
    this.#histogram.enable();
  }

  stop(): void {
    this.#histogram.disable();
  }

  /** Since it was last asked, or started. */
  take(): Figures["loopDelay"] {
    const histogram = this.#histogram;
    const [p50, p99, max] = [histogram.percentile(50), histogram.percentile(99), histogram.max].map(
      (nanoseconds) => Math.max(0, nanoseconds / 1e6 - resolutionMs),
    );
    const taken = histogram.count === 0 ? { p50: 0, p99: 0, max: 0 } : { p50, p99, max };
    histogram.reset();
    return taken as Figures["loopDelay"];
  }
}
