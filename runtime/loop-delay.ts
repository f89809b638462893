import { monitorEventLoopDelay } from "node:perf_hooks";

/** Node measures the intervals of a timer with this period. An interval minus the period is the delay. */
const timerMs = 10;

/** Measures for how long the event loop keeps timers waiting. */
export class LoopDelay {
  readonly #histogram = monitorEventLoopDelay({ resolution: timerMs });

  start(): void {
    this.#histogram.reset();
    this.#histogram.enable();
  }

  stop(): void {
    this.#histogram.disable();
  }

  /** The delay since the previous call or, for the first call, since {@link start}, in milliseconds. */
  take(): { readonly p50: number; readonly p99: number; readonly max: number } {
    const histogram = this.#histogram;
    const delayMs = (nanoseconds: number) =>
      histogram.count === 0 ? 0 : Math.max(0, nanoseconds / 1e6 - timerMs);
    const taken = {
      p50: delayMs(histogram.percentile(50)),
      p99: delayMs(histogram.percentile(99)),
      max: delayMs(histogram.max),
    };
    histogram.reset();
    return taken;
  }
}
