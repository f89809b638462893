/**
 * Returns a random delay, evenly distributed between `ms * min` and `ms * max`. Prevents processes that were
 * started at the same time from acting at the same time.
 */
export function jitter(ms: number, min: number, max = 1, random: () => number = Math.random): number {
  return ms * (min + (max - min) * random());
}
