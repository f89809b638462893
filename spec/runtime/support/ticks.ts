import { SimulatedClock } from "xstate";

/** A simulated clock that counts its timers, and advances by 1/32 of an interval per turn. */
export class Ticks extends SimulatedClock {
  timers = 0;

  override setTimeout(fn: () => void, ms: number) {
    this.timers += 1;
    return super.setTimeout(() => {
      this.timers -= 1;
      fn();
    }, ms);
  }

  override clearTimeout(id: number) {
    this.timers -= 1;
    super.clearTimeout(id as never);
  }

  async intervals(count: number, intervalMs: number): Promise<void> {
    for (let tick = 0; tick < count * 32; tick += 1) {
      this.increment(intervalMs / 32);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}
